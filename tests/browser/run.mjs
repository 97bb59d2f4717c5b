//! Runs the scenarios one after the other, in a network of their own (apart.sh), and prints what passed.
//!   DIEMCAU_BINARY=… node run.mjs [meeting|conduct|desk|board|groups|papers|register|tree|join|line|screen|tcp|wall|slots|firefox|size …]

import { spawnSync } from 'node:child_process';
import { join as path } from 'node:path';

import { check, finish, note, StepFailed } from './check.mjs';
import { board } from './board.mjs';
import { conduct } from './conduct.mjs';
import { desk } from './desk.mjs';
import { firefox } from './firefox.mjs';
import { groups } from './groups.mjs';
import { join } from './join.mjs';
import { line } from './line.mjs';
import { meeting } from './meeting.mjs';
import { papers } from './papers.mjs';
import { register } from './register.mjs';
import { screen } from './screen.mjs';
import { size } from './size.mjs';
import { slots } from './slots.mjs';
import { tcp } from './tcp.mjs';
import { tree } from './tree.mjs';
import { wall } from './wall.mjs';

const scenarios = { size, join, line, screen, tcp, wall, slots, meeting, conduct, desk, board, groups, papers, register, tree, firefox };

const here = import.meta.dirname;
if (process.env.DIEMCAU_APART === undefined) {
  const command = [process.execPath, import.meta.filename, ...process.argv.slice(2)];
  const env = { ...process.env, DIEMCAU_APART: 'yes' };
  process.exit(spawnSync(path(here, 'apart.sh'), command, { stdio: 'inherit', env }).status ?? 1);
}
const made = spawnSync(path(here, 'media.sh'), [path(here, '.media')], { stdio: 'inherit' });
if (made.status !== 0) {
  check('the fake cameras and microphones are made', false);
} else {
  const wanted = process.argv.slice(2);
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    note(`== ${name}`);
    try {
      await scenario();
    } catch (error) {
      // A failed step is counted where it failed.
      if (!(error instanceof StepFailed)) check(`${name} goes through`, false, String(error?.stack ?? error));
    }
  }
}
process.exit(finish());
