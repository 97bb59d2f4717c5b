//! Makes JSON Schemas of the types that `make types` has written, for the description of the API
//! (`/api/openapi.json`). `node schemas.mjs` writes them; a test holds the file against what would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createGenerator } from 'ts-json-schema-generator';

const here = import.meta.dirname;
const file = join(here, '../signaling/src/http/openapi/schemas.json');

/** What the file should say. */
export function schemas() {
  const generator = createGenerator({
    path: join(here, 'src/protocol/index.ts'), tsconfig: join(here, 'tsconfig.json'), type: '*', skipTypeCheck: true,
  });
  const { definitions } = generator.createSchema('*');
  const text = JSON.stringify(definitions, null, 1);
  return `${text.replaceAll('#/definitions/', '#/components/schemas/')}\n`;
}

/** What it says. */
export const written = () => readFileSync(file, 'utf8');

if (process.argv[1] === import.meta.filename) writeFileSync(file, schemas());
