-- Version 7: what happens to recordings after their meetings.
create table recording_custody (
    recording_id text not null references recording,
    seq integer not null,               -- from 1, without gaps
    at integer not null,
    account_id text not null references account,
    event text not null,                -- JSON
    hash text not null,                 -- SHA-256 over the hash before and this line
    primary key (recording_id, seq)
) strict;
