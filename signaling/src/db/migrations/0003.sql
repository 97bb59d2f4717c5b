-- Version 3: whom to telephone at a site, and the seats of monitor windows.

-- Shown to those who run meetings and to nobody else; never logged.
create table contact (
    site_id text primary key references site,
    person text not null,               -- name and office, may be empty
    phone text not null                 -- may be empty
) strict;

-- A monitor window watches for an account beside the account's own seat; `monitor` numbers it, 1 first.
alter table seat add column watcher_id text references account;
alter table seat add column monitor integer;
create unique index seat_by_monitor on seat (meeting_id, watcher_id, monitor) where watcher_id is not null;
