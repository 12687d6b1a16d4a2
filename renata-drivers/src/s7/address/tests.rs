use super::*;
use proptest::prelude::*;

fn canonical(text: &str) -> String {
    match text.parse::<Tag>() {
        Ok(tag) => tag.to_string(),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn refused(text: &str) -> String {
    match text.parse::<Tag>() {
        Ok(tag) => panic!("{text} became {tag}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_notation_leads_to_the_canonical_one() {
    for (texts, expected) in [
        (
            &[
                "DB1.DBX2.3",
                "%DB1.DBX2.3",
                "DB1.X2.3",
                "DB1,X2.3",
                "DB1:2.3:BOOL",
                "db1.dbx2.3:bool",
            ][..],
            "DB1.DBX2.3:BOOL",
        ),
        (
            &["DB1.DBB0", "DB1.B0", "DB1,BYTE0", "DB1:0:BYTE"],
            "DB1.DBB0:BYTE",
        ),
        (&["DB1.DBW4", "DB1,WORD4", "DB1.W4"], "DB1.DBW4:WORD"),
        (&["DB1.DBD8", "DB1.DW8", "DB1,DWORD8"], "DB1.DBD8:DWORD"),
        (
            &[
                "DB1.DBD4:REAL",
                "DB1,R4",
                "DB1.R4",
                "DB1,REAL4",
                "%DB1:4:REAL",
                "DB1:4:REAL",
                "DB1,REAL4.1",
            ],
            "DB1.DBD4:REAL",
        ),
        (
            &[
                "%DB1.DBW10:INT[4]",
                "DB1,INT10.4",
                "DB1,I10.4",
                "DB1.DBB10:INT[4]",
            ],
            "DB1.DBW10:INT[4]",
        ),
        (&["DB1,INT12.2"], "DB1.DBW12:INT[2]"),
        (
            &["DB1,X14.0.8", "DB1.DBX14.0:BOOL[8]"],
            "DB1.DBX14.0:BOOL[8]",
        ),
        (
            &[
                "DB1,S20.30",
                "DB1.DBB20:STRING(30)",
                "DB1.DBB20:STRING[30]",
                "DB1.S20.30",
                "DB1.DBW20.30",
            ],
            "DB1.DBB20:STRING(30)",
        ),
        (
            &["DB10,S20.30.3", "%DB10:20:STRING(30)[3]"],
            "DB10.DBB20:STRING(30)[3]",
        ),
        (&["DB10,C22.30"], "DB10.DBB22:CHAR[30]"),
        (&["%DB1.DBB20:WSTRING(32)"], "DB1.DBB20:WSTRING(32)"),
        (&["DB1.DBB20:STRING"], "DB1.DBB20:STRING(254)"),
        (&["DB10,LR32", "DB1,LREAL32", "DB2:32:LREAL"], ""),
        (
            &["DB2.DT2", "DB2,DTZ2", "DB2.DBB2:DATE_AND_TIME"],
            "DB2.DBB2:DT",
        ),
        (&["DB2,DTL0", "DB2.DBB0:DTL"], "DB2.DBB0:DTL"),
        (&["DB1.DBW0:S5TIME", "DB1,S5TIME0"], "DB1.DBW0:S5TIME"),
        (&["%MW10", "MW10", "mw10", "FW10", "MK0.W10"], "MW10:WORD"),
        (&["%MW10:UINT"], "MW10:UINT"),
        (&["MR4", "MREAL4", "%M4:REAL", "MD4:REAL"], "MD4:REAL"),
        (&["MDI4", "MD4:DINT"], "MD4:DINT"),
        (&["M0.1", "%M0.1", "M0.1:BOOL", "MX0.1"], "M0.1:BOOL"),
        (&["IB0", "EB0", "I0", "%IB0"], "IB0:BYTE"),
        (&["%Q0.0", "A0.0", "%A0.0:BOOL"], "Q0.0:BOOL"),
        (&["QW4", "AW4", "PA0.W4"], "QW4:WORD"),
        (&["C5", "Z5", "C5:COUNTER"], "C5:COUNTER"),
        (&["T5", "T5:S5TIME"], "T5:S5TIME"),
        (&["DB65535.DBB2097151"], "DB65535.DBB2097151:BYTE"),
    ] {
        for text in texts {
            let found = canonical(text);
            if !expected.is_empty() {
                assert_eq!(found, expected, "{text}");
            }
            assert_eq!(canonical(&found), found, "the canonical form is stable");
        }
    }
}

#[test]
fn a_type_may_stand_beside_the_address() {
    let parse = |address, ty| Tag::parse(address, Some(ty)).map(|t| t.to_string());
    assert_eq!(parse("DB10.DBW2", "INT").as_deref(), Ok("DB10.DBW2:INT"));
    assert_eq!(parse("DB10.DBD2", "real").as_deref(), Ok("DB10.DBD2:REAL"));
    assert_eq!(parse("I0", "SINT").as_deref(), Ok("IB0:SINT"));
    assert_eq!(
        parse("DB1.DBB4", "STRING(8)").as_deref(),
        Ok("DB1.DBB4:STRING(8)")
    );
    assert_eq!(
        parse("DB10.DBW12.20", "STRING").as_deref(),
        Ok("DB10.DBB12:STRING(20)")
    );
    assert_eq!(
        parse("DB1.DBD4:REAL", "REAL").as_deref(),
        Ok("DB1.DBD4:REAL")
    );
    let error = |address, ty| Tag::parse(address, Some(ty)).unwrap_err().to_string();
    assert!(error("DB1.DBD4:REAL", "DINT").contains("address says REAL, type says DINT"));
    assert!(error("DB1.DBD4", "FLOAT").starts_with("type, character 1: expected a type"));
    assert!(error("DB1.DBD4", "REAL ").contains("expected the end, found ' '"));
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    for (text, part) in [
        (
            "",
            "character 1: expected DB, I, Q, M, C or T, found the end",
        ),
        ("X1", "expected DB, I, Q, M, C or T, found 'X'"),
        (
            "DB",
            "character 3: expected a block number, 1 to 65535, found the end",
        ),
        ("DB0.DBB0", "character 3: expected a block number"),
        ("DB65536.DBB0", "character 3: expected a block number"),
        (
            "DB1",
            "character 4: expected a full stop, a comma or a colon",
        ),
        (
            "DB1.DBQ0",
            "character 7: expected X, B, W or D after DB, found 'Q'",
        ),
        (
            "DB1.DBX0",
            "character 9: expected a full stop and a bit number, found the end",
        ),
        ("DB1.DBX0.8", "character 10: expected a bit number, 0 to 7"),
        ("DB1.DBB2097152", "character 8: expected a byte offset"),
        ("DB1.DBW", "character 8: expected a byte offset"),
        ("DB1.DBD4:FLOAT", "character 10: expected a type such as"),
        (
            "DB1.DBD4:REAL[0]",
            "character 15: expected a number of elements",
        ),
        (
            "DB1.DBD4:REAL[4",
            "expected the closing bracket, found the end",
        ),
        ("DB1.DBB4:STRING(255)", "expected a text's length"),
        (
            "DB1.DBW4:REAL",
            "W addresses 2 bytes and REAL has 4: write D instead",
        ),
        (
            "DB1.DBD4:LREAL",
            "D addresses 4 bytes and LREAL has 8: write B instead",
        ),
        ("DB1.DBX4.0:INT", "write W instead"),
        (
            "DB1.DBB4.3",
            "character 9: expected a colon and a type, or the end, found '.'",
        ),
        ("DB1,REAL4:REAL", "expected the end"),
        (
            "DB1,FLOAT4",
            "character 5: expected DBX, DBB, DBW, DBD or a type",
        ),
        ("DB1,S20", "a full stop and the text's length"),
        ("DB1:4", "expected a colon and a type, found the end"),
        ("DB1:4:BOOL", "a bit number"),
        ("DB1:4.1:INT", "only for BOOL"),
        (
            "MZ4",
            "character 2: expected X, B, W, D, a type or a number after the area",
        ),
        ("T5:TIME", "leave the type out"),
        ("MW4 ", "found ' '"),
        ("MW4é", "found 'é'"),
        ("DB1.DBB0:LREAL[8192]", "tag of 65536 bytes"),
        ("DB1.DBB2097150:DWORD", "ends beyond 2097151"),
    ] {
        let error = refused(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[%DBMIQTCXWRSEal0-9.,:()\\[\\]]{0,16}|\\PC{0,12}") {
        let _ = text.parse::<Tag>();
        let _ = Tag::parse("DB1.DBB0", Some(&text));
    }

    #[test]
    fn every_legal_tag_round_trips(
        area in 0..6usize, db in 1u16.., byte in 0u32..100_000, bit in 0u8..8,
        ty in 0..Type::ALL.len(), count in prop::option::of(1u16..300),
    ) {
        let db = NonZeroU16::new(db).unwrap();
        let area = [Area::Input, Area::Output, Area::Marker, Area::Db(db), Area::Counter, Area::Timer][area];
        let ty = match area {
            Area::Counter => Type::Counter,
            Area::Timer => Type::S5Time,
            _ => Type::ALL[ty],
        };
        let address = Address { area, byte, bit: if ty == Type::Bool { bit } else { 0 } };
        if let Ok(tag) = Tag::new(address, ty, count.and_then(NonZeroU16::new)) {
            prop_assert_eq!(tag.to_string().parse(), Ok(tag), "{}", tag);
        }
    }
}
