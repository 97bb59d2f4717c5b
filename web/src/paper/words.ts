//! The words of documents: no part of what joining a meeting loads.

import { learn } from '../i18n/t.svelte';
import paperVi from '../i18n/paper.vi.json';

learn(paperVi);
