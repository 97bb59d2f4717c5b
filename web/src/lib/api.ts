//! The office's requests, one function each. Paths are those of `docs/protocol.md`.
import type {
  Account, Custody, CustodyAct, FactRecord, JoinLink, Meeting, Minutes, NewMeeting, NewReviewNote, NewTrace, NodeChange,
  NodeView, Recording, Registration, Review, ReviewNote, RoomRoutes, Seat, SignIn, SiteNode, StorageReport, TraceStarted, Unit,
} from '../protocol';
import { get, getFile, patch, post, put, remove } from './http';

const at = (id: string): string => encodeURIComponent(id);
const meeting = (id: string): string => `/api/meetings/${at(id)}`;

export const signIn = (who: SignIn): Promise<Account> => post('/api/session', who);
export const signOut = (): Promise<void> => remove('/api/session');
export const whoAmI = (): Promise<Account> => get('/api/session');

export const units = (): Promise<Unit[]> => get('/api/units');

export const meetings = (): Promise<Meeting[]> => get('/api/meetings');
export const meetingOf = (id: string): Promise<Meeting> => get(meeting(id));
export const createMeeting = (wanted: NewMeeting): Promise<Meeting> => post('/api/meetings', wanted);
export const openMeeting = (id: string): Promise<Meeting> => post(`${meeting(id)}/open`);
export const endMeeting = (id: string): Promise<Meeting> => post(`${meeting(id)}/end`);
export const takeSeat = (id: string): Promise<Seat> => post(`${meeting(id)}/seat`);
export const facts = (id: string): Promise<FactRecord[]> => get(`${meeting(id)}/facts`);

/** The media nodes, with the sites of one of them. */
export const nodes = (sitesOf: string): Promise<NodeView[]> => get(`/api/nodes?sites=${at(sitesOf)}`);
export const changeNode = (name: string, change: NodeChange): Promise<void> => patch(`/api/nodes/${at(name)}`, change);
/** Sends a site to a node from now on; null: where its network or its unit says. */
export const sendSite = (site: string, node: string | null): Promise<void> =>
  put(`/api/sites/${at(site)}/node`, { node } satisfies SiteNode);

/** Who asked to speak before the meeting opened, first come first. */
export const registrations = (id: string): Promise<Registration[]> => get(`${meeting(id)}/registrations`);

/** How the lines of an open meeting go; of one publisher with every stream. */
export const linesOf = (id: string, of?: string): Promise<RoomRoutes> =>
  get(of === undefined ? `${meeting(id)}/media` : `${meeting(id)}/media?of=${at(of)}`);

/** Begins to capture a site's packets. */
export const startTrace = (id: string, publisher: string): Promise<TraceStarted> =>
  post(`${meeting(id)}/traces`, { publisher } satisfies NewTrace);
/** The capture, once; null while it runs. */
export const fetchTrace = async (id: string, trace: string): Promise<Blob | null> => {
  const file = await getFile(`${meeting(id)}/traces/${at(trace)}`);
  return file.size === 0 ? null : file;
};

/** Single pictures of all cameras (`web/src/room/snapshots.ts` reads them). */
export const snapshots = async (id: string, since: number): Promise<ArrayBuffer> =>
  (await getFile(`${meeting(id)}/snapshots?since=${since}`)).arrayBuffer();

export const links = (id: string): Promise<JoinLink[]> => get(`${meeting(id)}/links`);
export const revokeLink = (id: string, link: string): Promise<void> =>
  remove(`${meeting(id)}/links/${at(link)}`);
export const renewLink = (id: string, link: string): Promise<JoinLink> =>
  post(`${meeting(id)}/links/${at(link)}/renew`);

export const recordings = (of?: string): Promise<Recording[]> =>
  get(of === undefined ? '/api/recordings' : `/api/recordings?meeting=${at(of)}`);
export const recordingOf = (id: string): Promise<Recording> => get(`/api/recordings/${at(id)}`);
export const compose = (id: string): Promise<Recording> => post(`/api/recordings/${at(id)}/compose`);

export const custodyOf = (id: string): Promise<Custody> => get(`/api/recordings/${at(id)}/custody`);
export const actOnCustody = (id: string, act: CustodyAct): Promise<Custody> =>
  post(`/api/recordings/${at(id)}/custody`, act);
export const storage = (): Promise<StorageReport> => get('/api/archive');

/** Who spoke when, how loud it was; made with the composed video. */
export const reviewOf = (id: string): Promise<Review> => get(fileUrl(id, 'review.json'));
const notes = (id: string): string => `/api/recordings/${at(id)}/notes`;
export const reviewNotes = (id: string): Promise<ReviewNote[]> => get(notes(id));
export const addReviewNote = (id: string, note: NewReviewNote): Promise<ReviewNote> => post(notes(id), note);
export const changeReviewNote = (id: string, note: string, to: NewReviewNote): Promise<void> =>
  put(`${notes(id)}/${at(note)}`, to);
export const removeReviewNote = (id: string, note: string): Promise<void> => remove(`${notes(id)}/${at(note)}`);

/** Address of a file of a recording. */
export function fileUrl(recording: string, path: string): string {
  return `/api/recordings/${at(recording)}/files/${path.split('/').map(at).join('/')}`;
}

export const minutesOf = (id: string): Promise<Minutes> => get(`${meeting(id)}/minutes`);
export const saveMinutes = (id: string, minutes: Minutes): Promise<Minutes> =>
  put(`${meeting(id)}/minutes`, minutes);
export const redraftMinutes = (id: string): Promise<Minutes> => post(`${meeting(id)}/minutes/redraft`);

/** Address of the printed minutes. */
export const minutesFile = (id: string, kind: 'pdf' | 'docx'): string => `${meeting(id)}/minutes.${kind}`;
