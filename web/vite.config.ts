//! How the page is built: hashed files under /assets, each with a .gz beside it that the server hands
//! out as it is. In development the real server answers on port 8080.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

/** Below this many bytes compression saves nothing worth a second file. */
const GZIP_BYTES_MIN = 1024;
const GZIP_KINDS = /\.(js|css|html|svg|json)$/;

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

/** Writes `x.gz` beside every text file of the build. */
function gzipAfterBuild(): Plugin {
  return {
    name: 'gzip-after-build',
    apply: 'build',
    closeBundle() {
      for (const path of files('dist')) {
        const bytes = readFileSync(path);
        if (!GZIP_KINDS.test(path) || bytes.length < GZIP_BYTES_MIN) continue;
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

const server = process.env['DIEMCAU_SERVER'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte(), gzipAfterBuild()],
  build: {
    // Chromium 109 is the last one for Windows 7, which communes still run.
    target: ['chrome109', 'edge109', 'firefox115', 'safari15.6'],
    manifest: true,
    // Nothing as data: URL, so that the content security policy can say 'self' and nothing else.
    assetsInlineLimit: 0,
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': server,
      '/whip': server,
      '/whep': server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
} as Parameters<typeof defineConfig>[0]);
