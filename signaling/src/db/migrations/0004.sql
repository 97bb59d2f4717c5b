-- Version 4: documents of meetings. Their files lie in papers/ of the data folder, by SHA-256.
create table paper (
    paper_id text primary key,
    meeting_id text not null references meeting,
    name text not null,
    kind text not null,                 -- pdf, docx, pptx, xlsx, png, jpeg
    bytes integer not null,
    sha256 text not null,               -- hexadecimal
    pages integer not null,             -- 0 until they are drawn
    phase text not null,                -- drawing, ready, failed
    problem text,                       -- a code of ours
    audience text not null,             -- all, leaders
    open_from integer,                  -- null: at once
    open_until integer,                 -- null: for good
    added_at integer not null
) strict;
create index paper_by_meeting on paper (meeting_id, paper_id);
create index paper_by_file on paper (sha256);
