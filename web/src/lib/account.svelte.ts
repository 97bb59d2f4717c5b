//! Who is signed in, and what that role may do in the office. The server checks again.
import type { Account, AccountRole } from '../protocol';
import * as api from './api';
import { failureOf } from './http';

let account = $state.raw<Account | null | undefined>(undefined);

/** Who is signed in: `null` nobody, `undefined` not asked yet; reactive. */
export function whoIsIn(): Account | null | undefined {
  return account;
}

export function setAccount(next: Account | null): void {
  account = next;
}

/** Asks the server. Throws when it does not answer. */
export async function recogniseAccount(): Promise<Account | null> {
  try {
    account = await api.whoAmI();
  } catch (error) {
    if (failureOf(error) !== 'not_signed_in') throw error;
    account = null;
  }
  return account;
}

const may =
  (...roles: AccountRole[]) =>
  (): boolean =>
    account !== null && account !== undefined && roles.includes(account.role);

export const mayCreateMeeting = may('host', 'admin');
export const mayOpenMeeting = may('host', 'chair', 'desk', 'admin');
export const mayEndMeeting = may('host', 'chair', 'admin');
export const maySeeLinks = may('host', 'desk', 'admin');
export const maySeeLines = may('host', 'chair', 'desk', 'admin');
export const mayTrace = may('desk', 'admin');
export const mayCompose = may('secretary', 'desk', 'admin');
export const mayWriteMinutes = may('secretary', 'admin');
