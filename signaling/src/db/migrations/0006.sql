-- Version 6: media nodes of other machines.
create table node_token (
    token_hash text primary key,
    created_at integer not null,
    expires_at integer not null
) strict;

-- What an administrator said of a node; a node of which nothing was said has no row.
create table node (
    name text primary key,
    draining integer not null,          -- 0 or 1
    capacity integer not null,          -- sites at most
    units text not null,                -- codes of units whose sites come here, a space between
    networks text not null              -- networks in CIDR form, a space between
) strict;

-- Sites that an administrator sends to a node, whatever else would be right.
create table site_node (
    site_id text primary key references site,
    name text not null
) strict;
