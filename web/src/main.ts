//! Mounts the page. Order: theme and text size first, so that nothing is painted twice; then the language.
import './design/fonts.css';
import './design/tokens.css';
import './design/base.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { startLanguage } from './i18n/t.svelte';
import { startAppearance } from './lib/appearance.svelte';
import { startRouter } from './lib/router.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has an element #app');

startAppearance();
startRouter();
await startLanguage();
mount(App, { target });
