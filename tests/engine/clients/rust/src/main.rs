//! The crate `clickhouse` against the server at argument 1, as the writer with the password of argument 2: the feature
//! of argument 3, with the table of argument 4.
use chrono::{DateTime, Utc};
use clickhouse::{error::Error, Client, Compression, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const LINES: u64 = 2_000;
const NUMBERS: u64 = 5_000_000;
const ODD: &str = "it's \\ one\n\tü$x";
const FAILS_LATE: &str = "SELECT number + throwIf(number = 2000000, 'too far') FROM numbers(3000000) \
                          SETTINGS max_block_size = 10000";
const ENDLESS: &str =
    "SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1)) SETTINGS max_block_size = 1";

#[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
struct Line {
    id: u64,
    name: String,
    score: Option<f64>,
    #[serde(with = "clickhouse::serde::chrono::datetime")]
    seen: DateTime<Utc>,
    #[serde(with = "clickhouse::serde::chrono::datetime64::millis")]
    at: DateTime<Utc>,
    tags: Vec<String>,
    tier: String,
    // Decimal(18, 4) is the number in ten-thousandths.
    price: i64,
    ok: bool,
    #[serde(with = "clickhouse::serde::uuid")]
    uid: Uuid,
}

fn line(id: u64) -> Line {
    Line {
        id,
        name: format!("náme {id}\n\t'\\"),
        score: (id % 2 == 0).then_some(id as f64 / 8.0),
        seen: DateTime::from_timestamp(1_676_369_730 + id as i64, 0).unwrap(),
        at: DateTime::from_timestamp_millis(1_676_369_730_123 + id as i64).unwrap(),
        tags: vec![format!("t{id}"), String::new()],
        tier: if id % 3 == 0 { "pro" } else { "free" }.into(),
        price: 10_000 + id as i64,
        ok: id % 2 == 0,
        uid: format!("00000000-0000-4000-8000-{id:012}").parse().unwrap(),
    }
}

async fn rows(client: &Client, table: &str, from: u64) -> Result<(), Error> {
    let mut insert = client.insert::<Line>(table).await?;
    for id in from..from + LINES {
        insert.write(&line(id)).await?;
    }
    insert.end().await?;
    let select = format!("SELECT ?fields FROM {table} WHERE id >= ? ORDER BY id LIMIT {LINES}");
    let got = client.query(&select).bind(from).fetch_all::<Line>().await?;
    assert_eq!(got, (from..from + LINES).map(line).collect::<Vec<_>>());
    Ok(())
}

async fn parameters(client: &Client) -> Result<(), Error> {
    let bound = client.query("SELECT ?, toUInt64(?)").bind(ODD).bind(u64::MAX);
    assert_eq!(bound.fetch_one::<(String, u64)>().await?, (ODD.to_string(), u64::MAX));
    let sent = client.query("SELECT {text:String}, {most:UInt64}").param("text", ODD).param("most", u64::MAX);
    assert_eq!(sent.fetch_one::<(String, u64)>().await?, (ODD.to_string(), u64::MAX));
    Ok(())
}

async fn count(client: &Client, sql: &str) -> Result<u64, Error> {
    let mut found = client.query(sql).fetch::<u64>()?;
    let mut count = 0;
    while let Some(number) = found.next().await? {
        assert_eq!(number, count);
        count += 1;
    }
    Ok(count)
}

async fn running(client: &Client, id: &str) -> Result<u64, Error> {
    client.query("SELECT count() FROM system.processes WHERE query_id = ?").bind(id).fetch_one().await
}

async fn cancelled(client: &Client) -> Result<(), Error> {
    let id = Uuid::from_u128(std::process::id() as u128).to_string();
    let endless = client.query(ENDLESS).with_option("query_id", &id);
    let ended = tokio::select! {
        got = endless.fetch_one::<u64>() => panic!("the query has ended by itself: {got:?}"),
        seen = async { while running(client, &id).await? == 0 {} Ok::<(), Error>(()) } => seen,
    };
    ended?; // the query's future is dropped
    while running(client, &id).await? > 0 {}
    Ok(())
}

async fn session(client: &Client) -> Result<(), Error> {
    let client = client.clone().with_option("session_id", format!("rust-{}", std::process::id()));
    client.query("CREATE TEMPORARY TABLE kept (a UInt8)").execute().await?;
    client.query("INSERT INTO kept VALUES (7)").execute().await?;
    assert_eq!(client.query("SELECT a FROM kept").fetch_one::<u8>().await?, 7);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let given: Vec<String> = std::env::args().collect();
    let plain = Client::default()
        .with_url(&given[1])
        .with_user("writer")
        .with_password(&given[2])
        .with_compression(Compression::None);
    let client = plain.clone().with_compression(Compression::Lz4);
    match given[3].as_str() {
        "ping" => assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1),
        "rows" => rows(&plain, &given[4], 0).await.unwrap(),
        "compressed" => rows(&client, &given[4], 0).await.unwrap(),
        "parameters" => parameters(&client).await.unwrap(),
        "streamed" => assert_eq!(count(&client, "SELECT number FROM numbers(5000000)").await.unwrap(), NUMBERS),
        "error" => {
            let error = client.query("SELECT nope").fetch_one::<u8>().await.unwrap_err();
            assert!(error.to_string().contains("UNKNOWN_IDENTIFIER"), "{error}");
        }
        "late error" => drop(count(&client, FAILS_LATE).await.unwrap_err()),
        "cancelled" => cancelled(&client).await.unwrap(),
        "session" => session(&client).await.unwrap(),
        other => panic!("no feature {other}"),
    }
}
