//! The crate `clickhouse` against the server at argument 1, as the writer with the password in argument 2.
use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
struct Line {
    a: u64,
    s: String,
    f: Option<f64>,
}

fn line(a: u64) -> Line {
    Line { a, s: format!("s{a}"), f: (a % 2 == 0).then_some(0.5) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let given: Vec<String> = std::env::args().collect();
    for compression in [Compression::None, Compression::Lz4] {
        let client = Client::default()
            .with_url(&given[1])
            .with_user("writer")
            .with_password(&given[2])
            .with_compression(compression);
        let create = "CREATE OR REPLACE TABLE rust (a UInt64, s String, f Nullable(Float64)) ENGINE = MergeTree ORDER BY a";
        client.query(create).execute().await.unwrap();
        let mut insert = client.insert::<Line>("rust").await.unwrap();
        for a in 0..50_000 {
            insert.write(&line(a)).await.unwrap();
        }
        insert.end().await.unwrap();
        let rows = client.query("SELECT ?fields FROM rust WHERE a >= ? ORDER BY a").bind(0u64);
        assert_eq!(rows.fetch_all::<Line>().await.unwrap(), (0..50_000).map(line).collect::<Vec<_>>());
        let error = client.query("SELECT nope").fetch_one::<u8>().await.unwrap_err();
        assert!(error.to_string().contains("UNKNOWN_IDENTIFIER"), "{error}");
    }
}
