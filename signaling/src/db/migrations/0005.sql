-- Version 5: notes at moments of recordings.
create table review_note (
    note_id text primary key,
    recording_id text not null references recording,
    account_id text not null references account,
    ms integer not null,                -- from the video's start
    text text not null,                 -- empty: a bookmark
    at integer not null                 -- written or last changed
) strict;
create index review_note_by_recording on review_note (recording_id, ms);
