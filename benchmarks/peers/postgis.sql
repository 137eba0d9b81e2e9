-- Lays the centreline (table `centreline`) into the tables that the tiger geocoder reads from the Census's files.
INSERT INTO state (statefp, stusps, name) VALUES ('06', 'CA', 'California');
INSERT INTO county (statefp, countyfp, cntyidfp, name, namelsad) VALUES ('06', '075', '06075', 'San Francisco', 'San Francisco County');
INSERT INTO county_lookup VALUES (6, 'CA', 75, 'San Francisco');
INSERT INTO place (statefp, placefp, plcidfp, name, namelsad) VALUES ('06', '67000', '0667000', 'San Francisco', 'San Francisco city');
INSERT INTO place_lookup VALUES (6, 'CA', 67000, 'San Francisco');
INSERT INTO cousub (statefp, countyfp, cousubfp, cosbidfp, name) VALUES ('06', '075', '92790', '0607592790', 'San Francisco');
INSERT INTO countysub_lookup VALUES (6, 'CA', 75, 'San Francisco', 92790, 'San Francisco');
INSERT INTO faces (tfid, statefp, countyfp, placefp, cousubfp) VALUES (1, '06', '075', '67000', '92790');

INSERT INTO zip_state (zip, stusps, statefp) SELECT DISTINCT zip, 'CA', '06' FROM centreline WHERE zip <> '';
INSERT INTO zip_state_loc (zip, stusps, statefp, place) SELECT zip, stusps, statefp, 'San Francisco' FROM zip_state;
INSERT INTO zip_lookup_base (zip, state, county, city, statefp) SELECT zip, 'California', 'San Francisco', 'San Francisco', '06' FROM zip_state;

INSERT INTO edges (statefp, countyfp, tlid, tfidl, tfidr, mtfcc, fullname, zipl, zipr, roadflg, tnidf, tnidt, the_geom)
SELECT '06', '075', number, 1, 1, 'S1400', trim(name || ' ' || kind), zip, zip, 'Y', from_node, to_node, ST_Multi(ST_GeomFromText(line, 4269))
FROM centreline;

-- The Census keeps a leading direction apart from the name (S, Van Ness), and so does the geocoder's parser. Other forms of a name are alternates.
INSERT INTO featnames (tlid, fullname, name, predirabrv, suftypabrv, mtfcc, paflag, statefp)
SELECT number, concat_ws(' ', direction, rest, type), rest, direction, type, 'S1400', flag, '06'
FROM (
    SELECT c.number, coalesce(t.abbrev, nullif(c.kind, '')) AS type, named.flag,
        substr(substring(named.name FROM '^(NORTH|SOUTH|EAST|WEST) .'), 1, 1) AS direction,
        regexp_replace(named.name, '^(NORTH|SOUTH|EAST|WEST) (?=.)', '') AS rest
    FROM centreline AS c
    LEFT JOIN street_type_lookup AS t ON t.name = c.kind
    CROSS JOIN LATERAL (VALUES (c.name, 'P'), (nullif(c.padded, c.name), 'A')) AS named (name, flag)
    WHERE named.name IS NOT NULL
) AS parts;
UPDATE edges SET fullname = f.fullname FROM featnames AS f WHERE f.tlid = edges.tlid AND f.paflag = 'P';

INSERT INTO addr (tlid, fromhn, tohn, side, zip, mtfcc, statefp)
SELECT number, left_from::text, left_to::text, 'L', zip, 'D1000', '06' FROM centreline WHERE left_to > 0
UNION ALL
SELECT number, right_from::text, right_to::text, 'R', zip, 'D1000', '06' FROM centreline WHERE right_to > 0;

SELECT install_missing_indexes();
ANALYZE;
