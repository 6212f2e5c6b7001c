-- A public lending library of a town that does not exist: ten tables, three years of loans up to 2025-12-31.
--
--     sqlite3 library.sqlite < library.sql
--
-- Everything below the tables is computed from whole numbers, so every run gives the same rows. Names of people are
-- drawn from two lists each, titles from word lists. This file is in the public domain (CC0).
PRAGMA foreign_keys = ON;
BEGIN;

CREATE TABLE branches (
    branch_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    street TEXT NOT NULL,
    opened_on DATE NOT NULL,
    seats INTEGER NOT NULL
);
CREATE TABLE staff (
    staff_id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    job TEXT NOT NULL,
    branch_id INTEGER NOT NULL REFERENCES branches (branch_id),
    hired_on DATE NOT NULL
);
CREATE TABLE members (
    member_id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    member_type TEXT NOT NULL, -- adult, student, senior or child
    district TEXT NOT NULL,
    joined_on DATE NOT NULL
);
CREATE TABLE authors (
    author_id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    country TEXT NOT NULL,
    birth_year INTEGER NOT NULL
);
CREATE TABLE genres (
    genre_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    section TEXT NOT NULL -- fiction or non-fiction
);
CREATE TABLE books (
    book_id INTEGER PRIMARY KEY,
    title TEXT NOT NULL UNIQUE,
    author_id INTEGER NOT NULL REFERENCES authors (author_id),
    genre_id INTEGER NOT NULL REFERENCES genres (genre_id),
    language TEXT NOT NULL,
    published_year INTEGER NOT NULL,
    pages INTEGER NOT NULL
);
CREATE TABLE copies (
    copy_id INTEGER PRIMARY KEY,
    book_id INTEGER NOT NULL REFERENCES books (book_id),
    branch_id INTEGER NOT NULL REFERENCES branches (branch_id),
    acquired_on DATE NOT NULL,
    price NUMERIC NOT NULL,
    condition TEXT NOT NULL -- new, good or worn
);
CREATE TABLE loans (
    loan_id INTEGER PRIMARY KEY,
    copy_id INTEGER NOT NULL REFERENCES copies (copy_id),
    member_id INTEGER NOT NULL REFERENCES members (member_id),
    staff_id INTEGER NOT NULL REFERENCES staff (staff_id), -- who handed the book out
    loaned_on DATE NOT NULL,
    due_on DATE NOT NULL,
    returned_on DATE, -- empty while the book is out
    renewals INTEGER NOT NULL
);
CREATE TABLE fines (
    fine_id INTEGER PRIMARY KEY,
    loan_id INTEGER NOT NULL UNIQUE REFERENCES loans (loan_id),
    amount NUMERIC NOT NULL,
    issued_on DATE NOT NULL,
    paid_on DATE -- empty while it is owed
);
CREATE TABLE reservations (
    reservation_id INTEGER PRIMARY KEY,
    book_id INTEGER NOT NULL REFERENCES books (book_id),
    member_id INTEGER NOT NULL REFERENCES members (member_id),
    reserved_on DATE NOT NULL,
    status TEXT NOT NULL -- collected, waiting or cancelled
);

-- Word lists: kind, place in its list from 0, word.
CREATE TEMP TABLE words (kind TEXT, place INTEGER, word TEXT, PRIMARY KEY (kind, place));
WITH lists (kind, list) AS (
    VALUES
    ('first', '["Ada","Bruno","Clara","Dario","Edith","Felix","Greta","Henry","Ines","Jonas","Karin","Lukas","Mara",
        "Nils","Olive","Pablo","Rosa","Simon","Tessa","Ugo","Vera","Walter","Xenia","Yannick","Zoe","Alma","Boris",
        "Cecil","Dora","Emil","Flora","Gideon","Hanna","Igor","Judith","Klaus","Leonie","Marco","Nora","Oscar"]'),
    ('last', '["Abbott","Barlow","Castell","Dunmore","Eastman","Farrow","Garland","Holt","Ingram","Jarvis","Kessler",
        "Lowell","Marsh","Norwood","Oakley","Pruitt","Quill","Ramsey","Sutter","Thorne","Upton","Vance","Whitlow",
        "Yardley","Zeller","Ashby","Brandt","Corwin","Delaney","Ekman","Fenwick","Goddard","Hartley","Ivers","Jessop",
        "Kirkby","Langley","Merrick","Nolan","Osgood"]'),
    ('writer', '["Amara","Benedikt","Chiara","Dmitri","Elena","Fergus","Goran","Helmi","Isolde","Jorge","Kofi",
        "Linnea","Mateo","Nadia","Orla"]'),
    ('surname', '["Addo","Bellini","Cardoso","Drummond","Eriksen","Fujita","Galvan","Haddad","Iyer","Kilbride",
        "Lindahl","Moretti","Nakano","Okonjo","Pereira","Rasmussen","Soto","Tremblay","Vasquez","Wangari"]'),
    ('adjective', '["Silent","Crooked","Golden","Hidden","Borrowed","Winter","Distant","Paper","Broken","Salt",
        "Unwritten","Patient","Scarlet","Hollow","Second"]'),
    ('noun', '["Lantern","Orchard","Harbour","Clock","Sparrow","Bridge","Garden","Letter","Mirror","Staircase",
        "Kettle","Island","Violin","Gate","Meadow","Compass"]')
)
INSERT INTO words SELECT lists.kind, each.key, each.value FROM lists, json_each(lists.list) AS each;

INSERT INTO branches VALUES
(1, 'Central', '1 Market Square', '1974-04-02', 220), (2, 'Harbour', '48 Quay Road', '1988-09-12', 90),
(3, 'Northgate', '7 Northgate', '1996-03-04', 75), (4, 'Mill Lane', '15 Mill Lane', '2003-06-16', 60),
(5, 'Hilltop', '102 Beacon Hill', '2011-10-03', 45), (6, 'Riverside', '3 Ferry Street', '2024-02-05', 55);

INSERT INTO genres VALUES
(1, 'Crime', 'fiction'), (2, 'Fantasy', 'fiction'), (3, 'Romance', 'fiction'), (4, 'Poetry', 'fiction'),
(5, 'Picture Book', 'fiction'), (6, 'History', 'non-fiction'), (7, 'Biography', 'non-fiction'),
(8, 'Science', 'non-fiction'), (9, 'Cookery', 'non-fiction'), (10, 'Travel', 'non-fiction');

-- Four people at every branch. Their names are those of the members' lists, paired in another way.
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 23)
INSERT INTO staff
SELECT i + 1, f.word, l.word,
    CASE i % 4 WHEN 0 THEN 'branch manager' WHEN 2 THEN 'library assistant' ELSE 'librarian' END,
    i / 4 + 1,
    CASE WHEN i >= 20 THEN date('2024-01-08', '+' || (i % 4 * 7) || ' days')
        ELSE date('2005-02-01', '+' || (i * 5171 % 6400) || ' days') END
FROM n
JOIN words AS f ON f.kind = 'first' AND f.place = i * 17 % 40
JOIN words AS l ON l.kind = 'last' AND l.place = (i * 17 * 7 + 30) % 40;

-- 420 members, numbered by the day they joined: 280 before 2023, 140 spread over the three years.
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 419)
INSERT INTO members
SELECT i + 1, f.word, l.word,
    CASE WHEN i * 37 % 100 < 46 THEN 'adult' WHEN i * 37 % 100 < 66 THEN 'student'
        WHEN i * 37 % 100 < 84 THEN 'senior' ELSE 'child' END,
    CASE (i * 5 + i / 7) % 23 % 7 WHEN 0 THEN 'Old Town' WHEN 1 THEN 'Eastfield' WHEN 2 THEN 'Westbrook'
        WHEN 3 THEN 'Quayside' WHEN 4 THEN 'Park End' WHEN 5 THEN 'Highfield' ELSE 'Station Quarter' END,
    CASE WHEN i < 280 THEN date('2015-01-05', '+' || (i * 2910 / 280) || ' days')
        ELSE date('2023-01-01', '+' || (((i - 279) * 1090 + 139) / 140) || ' days') END
FROM n
JOIN words AS f ON f.kind = 'first' AND f.place = i % 40
JOIN words AS l ON l.kind = 'last' AND l.place = (i * 7 + i / 40) % 40;

WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
INSERT INTO authors
SELECT i + 1, f.word, l.word,
    CASE i * 7 % 11 WHEN 0 THEN 'Ghana' WHEN 1 THEN 'Italy' WHEN 2 THEN 'Portugal' WHEN 3 THEN 'Norway'
        WHEN 4 THEN 'Japan' WHEN 5 THEN 'Chile' WHEN 6 THEN 'India' WHEN 7 THEN 'Ireland' WHEN 8 THEN 'Kenya'
        ELSE 'Canada' END,
    1921 + i * 31 % 73
FROM n
JOIN words AS f ON f.kind = 'writer' AND f.place = i % 15
JOIN words AS l ON l.kind = 'surname' AND l.place = (i * 3 + i / 20) % 20;

-- 240 titles: "The Silent Lantern", "Orchard and Clock", "A Letter for Elena".
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 239)
INSERT INTO books
SELECT i + 1,
    CASE i % 3
        WHEN 0 THEN 'The ' || a.word || ' ' || b.word
        WHEN 1 THEN b.word || ' and ' || c.word
        ELSE CASE WHEN b.word = 'Island' OR b.word = 'Orchard' THEN 'An ' ELSE 'A ' END || b.word || ' for ' || d.word
    END,
    CASE WHEN i < 56 THEN i ELSE i * i * 7 % 61 * (i * 11 % 61) / 61 END + 1,
    CASE WHEN i % 6 = 0 THEN 1 WHEN i % 7 = 0 THEN 2 ELSE i * 3 % 10 + 1 END,
    CASE WHEN i % 9 = 4 THEN 'Spanish' WHEN i % 13 = 5 THEN 'French' WHEN i % 17 = 6 THEN 'Polish' ELSE 'English' END,
    1962 + (i * 29 + 7) % 61,
    CASE WHEN i % 10 = 8 AND i % 6 > 0 AND i % 7 > 0 THEN 24 + i / 10 % 5 * 8 ELSE 96 + i * 53 % 420 END
FROM n
JOIN words AS a ON a.kind = 'adjective' AND a.place = i / 3 % 15
JOIN words AS b ON b.kind = 'noun' AND b.place = (i / 3 + i % 3 * 5) % 16
JOIN words AS c ON c.kind = 'noun' AND c.place = (i / 3 + 6 + i / 48) % 16
JOIN words AS d ON d.kind = 'writer' AND d.place = i / 3 % 15;

-- A copy of every book, and more of those that are asked for; Riverside's came with its opening.
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 429),
placed (i, book, branch) AS (
    SELECT i, CASE WHEN i < 240 THEN i ELSE i * 7919 % 240 * (i * 104729 % 240) / 240 END,
        CASE WHEN i % 15 = 11 THEN 6 WHEN i % 10 < 4 THEN 1 WHEN i % 10 < 6 THEN 2 WHEN i % 10 < 8 THEN 3
            WHEN i % 10 = 8 THEN 4 ELSE 5 END
    FROM n
)
INSERT INTO copies
SELECT i + 1, book + 1, branch,
    date(CASE WHEN branch = 6 THEN '2024-01-15' ELSE '2014-03-03' END,
        '+' || CASE WHEN branch = 6 THEN i % 12 ELSE i * 911 % 3220 END || ' days'),
    5.5 + i * 67 % 53 * 0.5,
    CASE WHEN branch = 6 THEN 'new' WHEN i * 911 % 3220 < 1100 THEN 'worn' ELSE 'good' END
FROM placed;

-- Loans. A copy is lent, comes back, stands on the shelf and is lent again, so no copy is out twice at a time.
-- Days count from 2023-01-01, a Sunday; the library is closed on Sundays. `dice` is a linear congruential generator.
CREATE TEMP TABLE lent AS
WITH RECURSIVE chain (copy_id, book_id, branch_id, dice, day, days_out, renewals) AS (
    SELECT copy_id, book_id, branch_id, copy_id * 48271 % 2147483647,
        CASE branch_id WHEN 6 THEN 401 ELSE 1 END + copy_id * 31 % 120, 12, 0
    FROM copies WHERE copy_id % 29 <> 0
    UNION ALL
    SELECT copy_id, book_id, branch_id, dice * 48271 % 2147483647,
        day + days_out + 4 + dice / 64 % 36 + book_id / 3 + dice / 4096 % 50 * (1200 - day) / 1200,
        CASE
            WHEN dice / 128 % 250 = 0 THEN 9999 -- never came back
            WHEN dice / 128 % 100 < 78 THEN 3 + dice / 16384 % 18
            WHEN dice / 128 % 100 < 90 THEN 22 + dice / 16384 % 20
            ELSE 22 + dice / 16384 % 33
        END,
        CASE WHEN dice / 128 % 250 <> 0 AND dice / 128 % 100 BETWEEN 78 AND 89 THEN 1 ELSE 0 END
    FROM chain WHERE day + days_out < 1096
)
SELECT copy_id, branch_id, dice, day + (day % 7 = 0) AS day, renewals,
    days_out + ((day + days_out) % 7 = 0) - (day % 7 = 0) AS days_out
FROM chain WHERE day + (day % 7 = 0) < 1096;

INSERT INTO loans
SELECT row_number() OVER (ORDER BY day, copy_id), copy_id,
    dice / 32 % (280 + day * 140 / 1096) * (dice / 2048 % 97 + 4) / 101 + 1,
    (branch_id - 1) * 4 + dice / 512 % 4 + 1,
    date('2023-01-01', '+' || day || ' days'),
    date('2023-01-01', '+' || (day + 21 + renewals * 21) || ' days'),
    CASE WHEN day + days_out < 1096 THEN date('2023-01-01', '+' || (day + days_out) || ' days') END,
    renewals
FROM lent;

-- A quarter for every day late, ten at most, from those who are not children; most pay, some when they come next.
INSERT INTO fines
SELECT row_number() OVER (ORDER BY returned_on, loan_id), loan_id,
    min(10, 0.25 * (julianday(returned_on) - julianday(due_on))),
    returned_on,
    CASE WHEN loan_id * 31 % 100 < 62 THEN returned_on
        WHEN loan_id * 31 % 100 < 85 AND date(returned_on, '+' || (loan_id % 45) || ' days') <= '2025-12-31'
            THEN date(returned_on, '+' || (loan_id % 45) || ' days') END
FROM loans JOIN members USING (member_id)
WHERE returned_on > due_on AND member_type <> 'child';

WITH RECURSIVE n (i, dice) AS (
    SELECT 1, 20231 UNION ALL SELECT i + 1, dice * 48271 % 2147483647 FROM n WHERE i < 900
)
INSERT INTO reservations
SELECT i, dice / 32 % 240 * (dice / 8192 % 101) / 101 + 1,
    dice / 128 % (280 + i * 140 / 901) * (dice / 512 % 89) / 89 + 1,
    date('2023-01-02', '+' || (i * 1094 / 900) || ' days'),
    CASE WHEN i > 850 AND dice / 64 % 10 < 7 THEN 'waiting'
        WHEN dice / 64 % 10 = 9 THEN 'cancelled' ELSE 'collected' END
FROM n;

DROP TABLE temp.lent;
DROP TABLE temp.words;
COMMIT;
