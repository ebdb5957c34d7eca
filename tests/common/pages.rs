//! Which pages of a sound file belong to which table or index, and what stands on each. Written from SQLite's
//! description of its file format (sections 1.6 and 2), and knows nothing of how the library reads damaged files.

use rusqlite::Connection;

/// What a page is to its table or index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Internal,
    Leaf,
    /// Here a long row of a page before continues.
    Overflow,
}

/// A page of a table or an index.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The table or index.
    pub(crate) of: String,
    pub(crate) role: Role,
    /// How many rows, entries or children begin here.
    pub(crate) cells: usize,
}

/// Every page of the tables and indexes whose names match, each tree from its root and from left to right. The file
/// has no log.
pub(crate) fn pages(connection: &Connection, bytes: &[u8], like: &str) -> Vec<Page> {
    let sql = "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND name LIKE ?1
               UNION ALL SELECT 'sqlite_schema', 1 WHERE 'sqlite_schema' LIKE ?1 ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let roots = statement.query_map([like], |row| Ok((row.get(0)?, row.get::<_, u32>(1)?))).unwrap();
    let file = File::new(bytes);
    let mut pages = Vec::new();
    for root in roots {
        let (of, root): (String, u32) = root.unwrap();
        file.walk(root as usize, &of, &mut pages);
    }
    pages
}

#[derive(Clone, Copy, Debug)]
struct File<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// What of a page is not reserved.
    usable: usize,
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let page_size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        Self { bytes, page_size, usable: page_size - usize::from(bytes[20]) }
    }

    fn page(&self, number: usize) -> &'a [u8] {
        &self.bytes[(number - 1) * self.page_size..number * self.page_size]
    }

    fn walk(&self, number: usize, of: &str, pages: &mut Vec<Page>) {
        let page = self.page(number);
        let header = if number == 1 { 100 } else { 0 };
        let kind = page[header];
        let role = match kind {
            2 | 5 => Role::Internal,
            10 | 13 => Role::Leaf,
            _ => panic!("page {number} of {of} begins with {kind}"),
        };
        let cells = usize::from(u16::from_be_bytes([page[header + 3], page[header + 4]]));
        pages.push(Page { number, of: of.to_owned(), role, cells });
        let pointers = header + if role == Role::Internal { 12 } else { 8 };
        for cell in 0..cells {
            let at = pointers + 2 * cell;
            let mut cell = &page[usize::from(u16::from_be_bytes([page[at], page[at + 1]]))..];
            if role == Role::Internal {
                self.walk(take_page(&mut cell), of, pages);
            }
            if kind != 5 {
                self.follow(cell, kind, of, pages);
            }
        }
        if role == Role::Internal {
            self.walk(take_page(&mut &page[header + 8..]), of, pages);
        }
    }

    /// The pages on which what begins in a cell continues.
    fn follow(&self, mut cell: &[u8], kind: u8, of: &str, pages: &mut Vec<Page>) {
        let length = take_varint(&mut cell);
        if kind == 13 {
            take_varint(&mut cell);
        }
        let most = if kind == 13 { self.usable - 35 } else { (self.usable - 12) * 64 / 255 - 23 };
        if length <= most {
            return;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let filling = least + (length - least) % (self.usable - 4);
        let mut next = take_page(&mut &cell[if filling <= most { filling } else { least }..]);
        while next != 0 {
            pages.push(Page { number: next, of: of.to_owned(), role: Role::Overflow, cells: 0 });
            next = take_page(&mut self.page(next));
        }
    }
}

fn take_page(bytes: &mut &[u8]) -> usize {
    let (number, rest) = bytes.split_first_chunk().unwrap();
    *bytes = rest;
    u32::from_be_bytes(*number) as usize
}

/// A length, or a row's number. None here needs the ninth byte, which would count with eight bits.
fn take_varint(bytes: &mut &[u8]) -> usize {
    let mut value = 0;
    loop {
        let (&byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return value;
        }
    }
}
