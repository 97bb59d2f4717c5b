//! Saving a file that the server makes on demand: a failure is an error with its code, not a broken file.
import { getFile } from './http';

/** Long enough for the browser to have taken the address. */
const REVOKE_MS = 1_000;

/** Fetches and saves; throws an `ApiError`. */
export async function saveFile(path: string, name: string): Promise<void> {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await getFile(path));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
}
