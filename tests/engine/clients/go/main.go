// clickhouse-go over HTTP against the server at argument 1, as the writer with the password in argument 2.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
)

const rows = 50000

var at = time.Unix(1676369730, 0)

func check(err error, what string) {
	if err != nil {
		fmt.Println(what, err)
		os.Exit(1)
	}
}

func main() {
	methods := []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD,
		clickhouse.CompressionGZIP, clickhouse.CompressionBrotli, clickhouse.CompressionDeflate,
	}
	for _, method := range methods {
		db := clickhouse.OpenDB(&clickhouse.Options{
			Addr: []string{os.Args[1]}, Protocol: clickhouse.HTTP,
			Auth:        clickhouse.Auth{Username: "writer", Password: os.Args[2], Database: "default"},
			Compression: &clickhouse.Compression{Method: method, Level: 3},
		})
		insert(db, method.String())
		query(db, method.String())
	}
}

func insert(db *sql.DB, name string) {
	ctx := context.Background()
	_, err := db.ExecContext(ctx, "CREATE OR REPLACE TABLE go (a UInt64, s String, t DateTime('Asia/Shanghai'), "+
		"l LowCardinality(String), n Nullable(Float64), x Array(String)) ENGINE = MergeTree ORDER BY a")
	check(err, name+" create")
	tx, err := db.Begin()
	check(err, name+" begin")
	batch, err := tx.PrepareContext(ctx, "INSERT INTO go")
	check(err, name+" prepare")
	for i := 0; i < rows; i++ {
		_, err = batch.Exec(uint64(i), fmt.Sprint("s", i), at, "l", nil, []string{"a", "b"})
		check(err, name+" append")
	}
	check(tx.Commit(), name+" commit")
}

func query(db *sql.DB, name string) {
	ctx := context.Background()
	found, err := db.QueryContext(ctx, "SELECT a, s, t FROM go ORDER BY a")
	check(err, name+" select")
	count := 0
	for ; found.Next(); count++ {
		var a uint64
		var s string
		var t time.Time
		check(found.Scan(&a, &s, &t), name+" scan")
		if a != uint64(count) || s != fmt.Sprint("s", count) || !t.Equal(at) || t.Location().String() != "Asia/Shanghai" {
			check(fmt.Errorf("%v %v %v", a, s, t), name+" row")
		}
	}
	check(found.Err(), name+" rows")
	if count != rows {
		check(fmt.Errorf("%d", count), name+" count")
	}
	table, err := ext.NewTable("sent", ext.Column("a", "UInt8"))
	check(err, name+" table")
	check(table.Append(uint8(7)), name+" table row")
	var got uint8
	with := clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
	check(db.QueryRowContext(with, "SELECT a FROM sent").Scan(&got), name+" external")
	if got != 7 || db.QueryRowContext(ctx, "SELECT nope").Scan(&got) == nil {
		check(fmt.Errorf("%d", got), name+" answers")
	}
}
