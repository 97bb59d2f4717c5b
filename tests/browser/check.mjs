//! Counts what passed and what failed, and prints each as it happens.

const results = { passed: 0, failed: 0 };
const began = Date.now();

/** Seconds since the run began. */
function stamp() {
  return `${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s`;
}

/** Says something that is neither passed nor failed. */
export function note(text) {
  console.log(`${stamp()}        ${text}`);
}

/** A statement that holds or not. Goes on either way. */
export function check(name, holds, detail = '') {
  if (holds) {
    results.passed += 1;
    console.log(`${stamp()}  ok    ${name}${detail === '' ? '' : ` (${detail})`}`);
  } else {
    results.failed += 1;
    console.log(`${stamp()}  FAIL  ${name}${detail === '' ? '' : ` (${detail})`}`);
  }
  return holds;
}

/** A part of a scenario that the rest needs: its failure ends the scenario. */
export async function step(name, work) {
  try {
    const value = await work();
    check(name, true);
    return value;
  } catch (error) {
    check(name, false, String(error?.stack ?? error).split('\n').slice(0, 6).join(' | '));
    throw new StepFailed(name);
  }
}

export class StepFailed extends Error {}

/** Prints the closing line and gives the exit code. */
export function finish() {
  console.log(`\n${results.passed} passed, ${results.failed} failed`);
  return results.failed === 0 && results.passed > 0 ? 0 : 1;
}

/** Waits until `holds` gives something true; fails after `seconds`. */
export async function until(what, seconds, holds) {
  const deadline = Date.now() + seconds * 1000;
  let last = null;
  for (;;) {
    try {
      const value = await holds();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain: ${what}${last === null ? '' : ` (${last.message})`}`);
    }
    await sleep(150);
  }
}

export function sleep(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
