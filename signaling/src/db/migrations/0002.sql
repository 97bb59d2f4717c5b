-- Version 2: delegates with links of their own, and secret polls.

-- A delegate who was named for a meeting. The token is kept in the clear like a site's link, and for the
-- same reason.
create table delegate (
    delegate_id text primary key,
    meeting_id text not null references meeting,
    site_id text references site,       -- null: sits in the hall
    name text not null,
    title text not null,
    votes integer not null,             -- 0 sits in (dự thính), 1 votes (đại biểu chính thức)
    token text not null,
    token_hash text not null unique,
    revoked integer not null,           -- 0, 1
    created_at integer not null
) strict;
create index delegate_by_meeting on delegate (meeting_id, site_id);

alter table seat add column delegate_id text references delegate;
create unique index seat_by_delegate on seat (delegate_id) where delegate_id is not null;

-- A secret poll and the key that signs its ballots blindly; the private half goes when it is closed.
create table poll (
    vote_id text primary key,
    meeting_id text not null references meeting,
    public_key text not null,           -- modulus, base64url
    private_key text,                   -- both primes, base64url
    closed integer not null             -- 0, 1
) strict;

-- Ballots that were cast. Kept in the order of their random numbers, without a time, an address or a
-- name: nothing here tells which came first or from whom.
create table ballot (
    vote_id text not null references poll,
    serial text not null,
    choice text not null,               -- agree, disagree, blank
    primary key (vote_id, serial)
) strict, without rowid;
