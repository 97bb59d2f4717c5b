//! The description of the API has the types that the page has.
import { expect, it } from 'vitest';

// @ts-expect-error: a script of the build, without types.
import { schemas, written } from '../../schemas.mjs';

it('the schemas are those of the types: `make types` writes them', () => {
  expect(written()).toBe(schemas());
});
