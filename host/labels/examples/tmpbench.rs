use runner_labels::*;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
fn main() {
    let o: Value = serde_json::from_str(include_str!("../src/testdata/ontology.json")).unwrap();
    let ont = Arc::new(Ontology::parse("", "T", "", &o["editor"]).unwrap());
    let text = std::fs::read_to_string("/tmp/pb/few.json").unwrap();
    let doc: Arc<Value> = Arc::new(serde_json::from_str(&text).unwrap());
    let facts = RowFacts {
        data_type: "image".into(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    let mut t = [0u128; 8];
    let n = 300;
    for _ in 0..n {
        let s = Instant::now();
        let mut row = LabelRow::open(doc.clone(), facts.clone(), ont.clone()).unwrap();
        t[0] += s.elapsed().as_nanos();
        let s = Instant::now();
        let c = row.objects().count();
        assert!(c > 0);
        t[1] += s.elapsed().as_nanos();
        let s = Instant::now();
        for ob in row.objects() {
            std::hint::black_box(ob.geometry(0));
        }
        t[2] += s.elapsed().as_nanos();
        let b = BoundingBox {
            x: 0.1,
            y: 0.1,
            width: 0.2,
            height: 0.2,
        };
        let s = Instant::now();
        row.add_bounding_box("Box", b, 0).unwrap();
        t[3] += s.elapsed().as_nanos();
        let s = Instant::now();
        for _ in 0..99 {
            row.add_bounding_box("Box", b, 0).unwrap();
        }
        t[4] += s.elapsed().as_nanos();
        let s = Instant::now();
        std::hint::black_box(row.is_edited());
        t[5] += s.elapsed().as_nanos();
        let s = Instant::now();
        std::hint::black_box(row.missing_answers());
        t[6] += s.elapsed().as_nanos();
        let s = Instant::now();
        drop(row);
        t[7] += s.elapsed().as_nanos();
    }
    for (k, v) in [
        "open",
        "index",
        "geometry x100",
        "first add",
        "99 adds",
        "is_edited",
        "missing",
        "drop",
    ]
    .iter()
    .zip(t)
    {
        println!("{k}: {:.1} us", v as f64 / n as f64 / 1000.0);
    }
    let many = std::fs::read_to_string("/tmp/pb/many.json").unwrap();
    for _ in 0..5 {
        let s = Instant::now();
        let d: Value = serde_json::from_str(&many).unwrap();
        let a = s.elapsed();
        let s = Instant::now();
        let row = LabelRow::open(Arc::new(d), facts.clone(), ont.clone()).unwrap();
        assert_eq!(row.objects().count(), 10000);
        println!("parse {:?} index {:?}", a, s.elapsed());
        let s = Instant::now();
        drop(row);
        println!("drop {:?}", s.elapsed());
    }
    let _ = json!(1);
}
