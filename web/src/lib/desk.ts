//! Requests of the control desk, of monitor windows, and of a site's page that waits.
import type { Called, Contact, DeskSite, NewCall, Seat, WaitingAnswer, WaitingSite } from '../protocol';
import { get, post, put } from './http';

const at = (id: string): string => encodeURIComponent(id);
const meeting = (id: string): string => `/api/meetings/${at(id)}`;

export const deskSites = (id: string): Promise<DeskSite[]> => get(`${meeting(id)}/desk`);
export const waitingSites = (id: string): Promise<WaitingSite[]> => get(`${meeting(id)}/waiting`);
export const callSites = (id: string, sites: string[]): Promise<Called> =>
  post(`${meeting(id)}/calls`, { sites } satisfies NewCall);
export const setContact = (site: string, contact: Contact): Promise<Contact> =>
  put(`/api/sites/${at(site)}/contact`, contact);

/** The seat of a monitor window. */
export const monitorSeat = (id: string, window: number): Promise<Seat> => post(`${meeting(id)}/monitors/${window}`);

/** A site's page says that it is open, and hears whether it was called. */
export const sayWaiting = (link: string): Promise<WaitingAnswer> => post(`/api/join/${at(link)}/waiting`);
