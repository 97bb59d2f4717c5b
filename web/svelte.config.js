//! For the build and for svelte-check: every component uses runes.
export default { compilerOptions: { runes: true } };
