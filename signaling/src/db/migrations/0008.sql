-- Version 8: who asked to speak before the meeting opened.
create table registration (
    meeting_id text not null references meeting,
    holder text not null,                         -- the site's or the delegate's id
    site_id text references site,                 -- where it sits; null: in the hall
    delegate_id text references delegate,         -- null: the site itself
    subject text not null,                        -- may be empty
    asked_at integer not null,                    -- first; another subject keeps the place
    primary key (meeting_id, holder)
) strict;
