//! Asserts the budgets of `dist`: what joining a meeting costs in compressed script. Run after `npm run build`.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Page, device check and room together, gzip, bytes. */
const JOIN_SCRIPT_BYTES_MAX = 100_000;
/** The same for style sheets. */
const JOIN_STYLE_BYTES_MAX = 20_000;

const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));
const entries = ['index.html', 'src/join/JoinPage.svelte', 'src/room/RoomPage.svelte'];

const seen = new Set();
const scripts = new Set();
const styles = new Set();
function visit(key) {
  if (seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  if (chunk === undefined) throw new Error(`${key} is not in the build's manifest`);
  if (chunk.file.endsWith('.js')) scripts.add(chunk.file);
  for (const style of chunk.css ?? []) styles.add(style);
  for (const next of chunk.imports ?? []) visit(next);
}
// A page that another imports statically has no chunk of its own; it is counted with that one.
for (const entry of entries) if (entry === 'index.html' || manifest[entry] !== undefined) visit(entry);

const weigh = (files) =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length, 0);

const script = weigh(scripts);
const style = weigh(styles);
console.log(`join: ${script} bytes of script (at most ${JOIN_SCRIPT_BYTES_MAX}), gzip, ${scripts.size} files`);
console.log(`join: ${style} bytes of style (at most ${JOIN_STYLE_BYTES_MAX}), gzip`);
if (script > JOIN_SCRIPT_BYTES_MAX || style > JOIN_STYLE_BYTES_MAX) {
  console.error('The budget is exceeded: move what joining does not need into a lazy chunk.');
  process.exit(1);
}
