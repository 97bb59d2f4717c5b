//! The words of the office: no part of what joining a meeting loads.

import '../i18n/words';
import { learn } from '../i18n/t.svelte';
import officeVi from '../i18n/office.vi.json';

learn(officeVi);
