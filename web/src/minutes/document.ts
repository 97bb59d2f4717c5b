//! Questions about a minutes document that the editor asks. Pure.
import type { MinutesDocument, RecordingRow } from '../protocol';

export type Part =
  | 'header' | 'time' | 'people' | 'attendance' | 'opening' | 'speeches' | 'decisions' | 'votes' | 'conclusion' | 'recipients';

const FIELDS: Record<Part, readonly (keyof MinutesDocument)[]> = {
  header: ['form', 'parent_body', 'issuing_body', 'number', 'place', 'dated', 'title'],
  time: ['started_at', 'ended_at', 'venue'],
  people: ['chair', 'secretary'],
  attendance: ['attendance'],
  opening: ['opening'],
  speeches: ['speeches'],
  decisions: ['decisions'],
  votes: ['votes'],
  conclusion: ['conclusion'],
  recipients: ['recipients'],
};

/** Parts in which two documents differ, in the order of the paper. */
export function changedParts(mine: MinutesDocument, theirs: MinutesDocument): Part[] {
  return (Object.keys(FIELDS) as Part[]).filter((part) =>
    FIELDS[part].some((field) => JSON.stringify(mine[field]) !== JSON.stringify(theirs[field])),
  );
}

export interface AttendanceSum {
  n_sites: number;
  n_present: number;
  n_delegates: number;
}

export function attendanceSum(document: MinutesDocument): AttendanceSum {
  const present = document.attendance.filter((row) => row.present);
  return {
    n_sites: document.attendance.length,
    n_present: present.length,
    n_delegates: present.reduce((sum, row) => sum + row.headcount, 0),
  };
}

/** As it is sent: texts in NFC, empty recipients left out. */
export function cleaned(document: MinutesDocument): MinutesDocument {
  const text = JSON.stringify({
    ...document,
    recipients: document.recipients.map((line) => line.trim()).filter((line) => line !== ''),
  });
  return JSON.parse(text.normalize('NFC')) as MinutesDocument;
}

/**
 * The recording that was running at a moment, and how far into it the moment is. One whose length is not known
 * yet (0: not composed when the draft was made) is taken to run until the next begins.
 */
export function placeIn(recordings: readonly RecordingRow[], at: number): { recording: string; ms: number } | null {
  for (const row of [...recordings].reverse()) {
    const ms = at - row.started_at;
    if (ms >= 0) return ms < row.ms || row.ms === 0 ? { recording: row.recording, ms } : null;
  }
  return null;
}
