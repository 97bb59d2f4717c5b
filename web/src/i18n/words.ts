//! The words of whoever leads, records or prepares a meeting: no part of what joining one loads. Every
//! page that is loaded later than the join page imports this first.

import conductVi from './conduct.vi.json';
import deskVi from './desk.vi.json';
import { learn } from './t.svelte';

learn(conductVi);
learn(deskVi);
