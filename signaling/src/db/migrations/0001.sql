-- Version 1. Ids are ULIDs as text; times are milliseconds since 1970-01-01T00:00:00Z; `strict` makes
-- SQLite keep the types that are written here. `folded` is the search key that `text::fold` computed.

create table account (
    account_id text primary key,
    username text not null unique,      -- NFC, lower case
    name text not null,                 -- as shown: name and office
    role text not null,                 -- admin, host, chair, secretary, desk
    password_hash text not null,        -- Argon2id, PHC form
    created_at integer not null
) strict;

-- A signed-in browser. The cookie holds the token, the table its SHA-256.
create table session (
    token_hash text primary key,
    account_id text not null references account,
    created_at integer not null,
    expires_at integer not null
) strict;
create index session_by_expiry on session (expires_at);

-- The tree of units. `position` is the protocol order (thứ tự lễ tân), over the whole tree.
create table unit (
    unit_id text primary key,
    parent_id text references unit,
    code text not null unique,          -- official: 2 digits for a province, 5 for a commune
    name text not null,
    folded text not null,
    position integer not null
) strict;

create table site (
    site_id text primary key,
    unit_id text not null references unit,
    name text not null,
    folded text not null,
    position integer not null
) strict;

create table meeting (
    meeting_id text primary key,
    code text not null unique,          -- the room's name for WHIP and WHEP
    title text not null,
    folded text not null,
    venue text not null,
    scheduled_at integer not null,
    state text not null,                -- scheduled, open, ended
    opened_at integer,
    ended_at integer,
    created_by text references account,
    created_at integer not null
) strict;
create index meeting_by_time on meeting (scheduled_at);

-- Who is invited, in protocol order (the site's position).
create table invitation (
    meeting_id text not null references meeting,
    site_id text not null references site,
    primary key (meeting_id, site_id)
) strict;

-- Join links. The token is kept in the clear: the office must be able to show the address again, and
-- whoever can read this file can read everything that the link would show. It is found by its hash, so
-- that no comparison of the secret itself can be timed.
create table link (
    link_id text primary key,
    meeting_id text not null references meeting,
    site_id text not null references site,
    token text not null,
    token_hash text not null unique,
    expires_at integer not null,
    revoked integer not null,           -- 0, 1
    used_at integer,
    unique (meeting_id, site_id)
) strict;

-- Seats: the same site or account gets the same participant whenever it comes back.
create table seat (
    participant_id text primary key,
    meeting_id text not null references meeting,
    site_id text references site,
    account_id text references account,
    link_id text references link,
    role text not null,                 -- chair, secretary, desk, site, observer
    name text not null,
    created_at integer not null,
    unique (meeting_id, site_id),
    unique (meeting_id, account_id)
) strict;

-- Secrets that prove a seat, by SHA-256. Several, because a page that is opened beside another must not
-- lock out the one that is connected.
create table seat_token (
    token_hash text primary key,
    participant_id text not null references seat,
    created_at integer not null
) strict;
create index seat_token_by_seat on seat_token (participant_id, created_at);

-- The log of facts. `record` is the canonical JSON of a FactRecord (fields in the order of the type, no
-- spaces); hash = SHA-256(hash before, or nothing ‖ record ‖ meeting_id). `command_id` lets a command
-- that is sent again after a restart be recognised.
create table fact (
    meeting_id text not null references meeting,
    seq integer not null,
    record text not null,
    command_id text,
    hash text not null,                 -- hexadecimal
    primary key (meeting_id, seq)
) strict, without rowid;

create table recording (
    recording_id text primary key,
    meeting_id text not null references meeting,
    started_at integer not null,
    stopped_at integer,
    phase text not null,                -- recording, composing, ready, failed
    permille integer not null,
    remaining_ms integer not null,
    ms integer not null,
    bytes integer not null,
    files text not null,                -- JSON: RecordingFile[]
    failure text                        -- an error code
) strict;
create index recording_by_meeting on recording (meeting_id);

-- Minutes, every version of them: what stood when, and who wrote it.
create table minutes (
    meeting_id text not null references meeting,
    version integer not null,
    changed_at integer not null,
    changed_by text references account, -- none: drafted from the facts
    document text not null,             -- JSON: MinutesDocument
    primary key (meeting_id, version)
) strict;
