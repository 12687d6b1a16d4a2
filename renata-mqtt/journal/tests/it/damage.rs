//! Bits rot, files vanish: durable records are reported damaged, never skipped or made up.

use renata_journal::sim::{Keep, SimDisk};
use renata_journal::{Journal, OpenError, Problem, ReadError, Seq};

use crate::model::{CURSORS, Dice, Seen, live, payload, small};

/// A journal after a life and a clean end, with every record still in it.
fn closed() -> (SimDisk, u64) {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.cursor(CURSORS[0]).unwrap();
    for seq in 1..=40 {
        journal.append(&payload(1, seq)).unwrap();
        if seq % 6 == 0 {
            journal.sync().unwrap();
        }
    }
    journal.close().unwrap();
    (disk.restart(Keep::Everything), 40)
}

/// Opens and reads everything; how many records came before an error, if there was one.
fn read_all(disk: &SimDisk) -> (u64, Option<String>) {
    let (journal, _) = match Journal::open_on(disk.clone(), small()) {
        Ok(opened) => opened,
        Err(e) => return (0, Some(e.to_string())),
    };
    let mut reader = journal.read(journal.first()).unwrap();
    let mut seq = journal.first().get() - 1;
    loop {
        match reader.next_record() {
            Ok(Some(record)) => {
                seq += 1;
                assert_eq!(record.seq.get(), seq);
                assert_eq!(
                    record.payload,
                    payload(1, seq),
                    "a record that nobody wrote"
                );
            }
            Ok(None) => return (seq, None),
            Err(e) => return (seq, Some(e.to_string())),
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_reported_and_never_read() {
    let (disk, last) = closed();
    assert_eq!(read_all(&disk), (last, None));
    let files = disk.files();
    let (newest, end) = files.last().cloned().unwrap();
    for (name, size) in &files {
        for at in 0..*size {
            let broken = disk.restart(Keep::Everything);
            broken.tamper(name, |bytes| bytes[at] ^= 0x10);
            let (got, error) = read_all(&broken);
            // The very last record is the note that everything before it is durable. Nothing
            // vouches for the note itself, and it holds nothing.
            let note = *name == newest && at >= end - 40;
            match error {
                Some(text) => assert!(text.contains(name.as_str()), "{name} at {at}: {text}"),
                None => assert!(note && got == last, "{name} at {at}: silent"),
            }
        }
    }
}

#[test]
fn a_cut_or_missing_segment_is_reported() {
    let (disk, _) = closed();
    let files = disk.files();
    for (i, (name, size)) in files.iter().enumerate() {
        for cut in [0, 39, 40, 60, size - 45] {
            let broken = disk.restart(Keep::Everything);
            broken.tamper(name, |bytes| bytes.truncate(cut));
            assert!(
                read_all(&broken).1.is_some() || i + 1 == files.len(),
                "{name} cut at {cut}"
            );
        }
        let broken = disk.restart(Keep::Everything);
        broken.take_away(name);
        let (_, error) = read_all(&broken);
        // Nothing is left that could tell of the oldest and of the newest segment.
        assert!(
            error.is_some() || i == 0 || i + 1 == files.len(),
            "{name} taken away"
        );
    }
}

#[test]
fn damage_names_the_file_the_offset_and_the_record() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    for text in ["one", "two", "three"] {
        journal.append(text.as_bytes()).unwrap();
        journal.sync().unwrap();
    }
    drop(journal);
    disk.tamper("00000000000000000001.seg", |bytes| bytes[40 + 23 + 21] ^= 1);
    let before = disk.files();
    let error = Journal::open_on(disk.clone(), small()).unwrap_err();
    let OpenError::Corrupt(corruption) = &error else {
        panic!("{error}")
    };
    assert_eq!(corruption.segment, "00000000000000000001.seg");
    assert_eq!((corruption.offset, corruption.seq), (63, Seq::new(2)));
    assert_eq!(corruption.problem, Problem::Checksum);
    assert_eq!(disk.files(), before, "a damaged journal is left as it is");
    assert!(
        error
            .to_string()
            .contains("checksum mismatch at byte 63 of")
    );
}

#[test]
fn a_reader_stops_in_front_of_damage_and_says_so_again() {
    let (disk, _) = closed();
    let oldest = disk.files()[0].0.clone();
    disk.tamper(&oldest, |bytes| bytes[45] ^= 1);
    let (journal, _) = Journal::open_on(disk, small()).expect("an old segment is not read");
    let mut reader = journal.read(Seq::new(1)).unwrap();
    for _ in 0..2 {
        let error = reader.next_record().unwrap_err();
        assert!(matches!(error, ReadError::Corrupt(c) if c.seq == Seq::new(1)));
    }
}

#[test]
fn garbage_in_the_directory_is_never_a_panic() {
    let mut dice = Dice(11);
    for _ in 0..300 {
        let disk = SimDisk::new();
        let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
        live(&mut journal, 1, &mut Dice(3), 40, &mut Seen::default()).unwrap();
        drop(journal);
        let files = disk.files();
        let (name, _) = &files[dice.below(files.len() as u64) as usize];
        disk.tamper(name, |bytes| {
            for _ in 0..=dice.below(20) {
                let at = dice.below(bytes.len() as u64 + 1) as usize;
                let byte = dice.below(256) as u8;
                match bytes.get_mut(at) {
                    Some(old) => *old = byte,
                    None => bytes.push(byte),
                }
            }
        });
        if let Ok((journal, _)) = Journal::open_on(disk, small()) {
            let mut reader = journal.read(journal.first()).unwrap();
            while let Ok(Some(_)) = reader.next_record() {}
        }
    }
}

#[test]
fn a_later_format_is_refused_by_name() {
    let (disk, _) = closed();
    let name = disk.files()[0].0.clone();
    disk.tamper(&name, |bytes| {
        bytes[7] = 9;
        let crc = crc32c::crc32c(&bytes[..36]);
        bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    });
    let error = Journal::open_on(disk, small()).unwrap_err();
    assert!(
        matches!(error, OpenError::Format { found: 9, .. }),
        "{error}"
    );
}
