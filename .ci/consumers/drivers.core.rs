//+ renata-codec = { path = "@TOP@/renata-codec", default-features = false }
//! Plans reads and writes without a runtime, as a program with its own sockets would.

use renata_drivers::s7::{Budget, Plan, Tag, WritePlan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tags: Vec<Tag> = vec!["DB1.DBD0:REAL".parse()?, "DB1,X4.0".parse()?];
    let plan = Plan::new(&tags, Budget::default());
    assert_eq!(plan.messages().len(), 1);
    let write = WritePlan::new(&tags[0], &renata_codec::Value::F64(21.5), Budget::default())?;
    assert_eq!(write.messages().len(), 1);
    println!("{plan}");
    Ok(())
}
