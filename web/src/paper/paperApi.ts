//! Requests about documents by those who prepare the meeting, as their account.

import type { Paper, PaperAudience, PaperChange } from '../protocol';
import { ApiError, get, patch, problemOf, remove } from '../lib/http';
import { papersOf } from './fetchPage';


/** Documents with how far they are; as the account. */
export const listPapers = (meeting: string): Promise<Paper[]> => get(papersOf(meeting));
export const changePaper = (meeting: string, paper: string, to: PaperChange): Promise<Paper[]> =>
  patch(`${papersOf(meeting)}/${encodeURIComponent(paper)}`, to);
export const removePaper = (meeting: string, paper: string): Promise<void> =>
  remove(`${papersOf(meeting)}/${encodeURIComponent(paper)}`);

/** Address of the file as it was uploaded. */
export const paperFile = (meeting: string, paper: string): string => `${papersOf(meeting)}/${encodeURIComponent(paper)}/file`;

/** Uploads a file; `told` hears how much of it is there, 0 … 1. */
export function uploadPaper(meeting: string, file: File, audience: PaperAudience, told: (share: number) => void): Promise<Paper> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const name = encodeURIComponent(file.name.normalize('NFC'));
    request.open('POST', `${papersOf(meeting)}?name=${name}&audience=${audience}`);
    request.upload.onprogress = (event) => told(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => failed(new ApiError('network'));
    request.onload = () => {
      if (request.status === 201) {
        done(JSON.parse(request.responseText) as Paper);
        return;
      }
      void problemOf(new Response(request.responseText, { status: request.status }), '').then(failed);
    };
    request.send(file);
  });
}
