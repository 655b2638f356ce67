// clickhouse-go over HTTP against the server at argument 1, as the writer with the password of argument 2: the feature
// of argument 3, with the table of argument 4.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

const (
	lines     = 2000
	numbers   = 5000000
	odd       = "it's \\ one\n\tü$x"
	most      = uint64(18446744073709551615)
	failsLate = "SELECT number, throwIf(number = 2000000, 'too far') FROM numbers(3000000) SETTINGS max_block_size = 10000"
	endless   = "SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1)) SETTINGS max_block_size = 1"
)

var ctx = context.Background()

type line struct {
	ID    uint64          `ch:"id"`
	Name  string          `ch:"name"`
	Score *float64        `ch:"score"`
	Seen  time.Time       `ch:"seen"`
	At    time.Time       `ch:"at"`
	Tags  []string        `ch:"tags"`
	Tier  string          `ch:"tier"`
	Price decimal.Decimal `ch:"price"`
	Ok    bool            `ch:"ok"`
	UID   uuid.UUID       `ch:"uid"`
}

func lineOf(id uint64) line {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	check(err, "zone")
	made := line{
		ID: id, Name: fmt.Sprintf("náme %d\n\t'\\", id), Seen: time.Unix(1676369730+int64(id), 0).In(tokyo),
		At: time.UnixMilli(1676369730123 + int64(id)).UTC(), Tags: []string{fmt.Sprintf("t%d", id), ""}, Tier: "free",
		Price: decimal.New(10000+int64(id), -4), Ok: id%2 == 0,
		UID: uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", id)),
	}
	if id%2 == 0 {
		score := float64(id) / 8
		made.Score = &score
	}
	if id%3 == 0 {
		made.Tier = "pro"
	}
	return made
}

func (is line) equals(got line) bool {
	same := is.Price.Equal(got.Price) && is.Seen.Equal(got.Seen) && is.At.Equal(got.At)
	same = same && is.Seen.Location().String() == got.Seen.Location().String()
	got.Price, got.Seen, got.At = is.Price, is.Seen, is.At
	return same && reflect.DeepEqual(is, got)
}

func check(err error, what string) {
	if err != nil {
		fmt.Println(what, err)
		os.Exit(1)
	}
}

func that(holds bool, what string) {
	if !holds {
		check(errors.New("wrong"), what)
	}
}

func options(method clickhouse.CompressionMethod) *clickhouse.Options {
	return &clickhouse.Options{
		Addr: []string{strings.TrimSuffix(strings.TrimPrefix(os.Args[1], "http://"), "/")}, Protocol: clickhouse.HTTP,
		Auth:        clickhouse.Auth{Username: "writer", Password: os.Args[2], Database: "default"},
		Compression: &clickhouse.Compression{Method: method, Level: 3},
	}
}

func open(options *clickhouse.Options) driver.Conn {
	conn, err := clickhouse.Open(options)
	check(err, "open")
	return conn
}

func main() {
	conn := open(options(clickhouse.CompressionLZ4))
	features := map[string]func(driver.Conn){
		"ping": func(conn driver.Conn) { check(conn.Ping(ctx), "ping") },
		"rows": rows, "compressed": compressed, "parameters": parameters, "streamed": streamed, "error": failing,
		"late error": failingLate, "cancelled": cancelled, "session": session, "external": external,
	}
	features[os.Args[3]](conn)
}

// rows go and come by database/sql, without compression, which is its default over HTTP.
func rows(driver.Conn) {
	db := clickhouse.OpenDB(options(clickhouse.CompressionNone))
	tx, err := db.Begin()
	check(err, "begin")
	batch, err := tx.PrepareContext(ctx, "INSERT INTO "+os.Args[4])
	check(err, "prepare")
	for id := uint64(0); id < lines; id++ {
		l := lineOf(id)
		_, err = batch.Exec(l.ID, l.Name, l.Score, l.Seen, l.At, l.Tags, l.Tier, l.Price, l.Ok, l.UID)
		check(err, "append")
	}
	check(tx.Commit(), "commit")
	found, err := db.QueryContext(ctx, "SELECT * FROM "+os.Args[4]+" ORDER BY id")
	check(err, "select")
	readLines(found)
}

func readLines(found *sql.Rows) {
	id := uint64(0)
	for ; found.Next(); id++ {
		var l line
		check(found.Scan(&l.ID, &l.Name, &l.Score, &l.Seen, &l.At, &l.Tags, &l.Tier, &l.Price, &l.Ok, &l.UID), "scan")
		that(lineOf(id).equals(l), fmt.Sprint("row ", l))
	}
	check(found.Err(), "rows")
	that(id == lines, "count of rows")
}

func compressed(driver.Conn) {
	methods := []clickhouse.CompressionMethod{
		clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP, clickhouse.CompressionBrotli,
		clickhouse.CompressionDeflate,
	}
	for at, method := range methods {
		conn, from := open(options(method)), uint64(at)*lines
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+os.Args[4])
		check(err, method.String()+" prepare")
		for id := from; id < from+lines; id++ {
			l := lineOf(id)
			check(batch.AppendStruct(&l), method.String()+" append")
		}
		check(batch.Send(), method.String()+" send")
		found, err := conn.Query(ctx, fmt.Sprintf("SELECT * FROM %s WHERE id >= %d ORDER BY id LIMIT %d", os.Args[4], from, lines))
		check(err, method.String()+" select")
		id := from
		for ; found.Next(); id++ {
			var l line
			check(found.ScanStruct(&l), method.String()+" scan")
			that(lineOf(id).equals(l), fmt.Sprint(method, " row ", l))
		}
		check(found.Err(), method.String()+" rows")
		that(id == from+lines, method.String()+" count of rows")
	}
}

func parameters(conn driver.Conn) {
	var text string
	var number uint64
	bound := conn.QueryRow(ctx, "SELECT @text, toUInt64(@most)", clickhouse.Named("text", odd), clickhouse.Named("most", most))
	check(bound.Scan(&text, &number), "bound")
	that(text == odd && number == most, "bound "+text)
	sent := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"text": "it's ü$x", "most": fmt.Sprint(most)}))
	check(conn.QueryRow(sent, "SELECT {text:String}, {most:UInt64}").Scan(&text, &number), "sent")
	that(text == "it's ü$x" && number == most, "sent "+text)
}

func count(conn driver.Conn, query string) (uint64, error) {
	found, err := conn.Query(ctx, query)
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for ; found.Next(); n++ {
		var number uint64
		var failed uint8
		if len(found.Columns()) == 1 {
			check(found.Scan(&number), "scan")
		} else {
			check(found.Scan(&number, &failed), "scan")
		}
		that(number == n, "number")
	}
	return n, found.Err()
}

func streamed(conn driver.Conn) {
	n, err := count(conn, fmt.Sprintf("SELECT number FROM numbers(%d)", numbers))
	check(err, "streamed")
	that(n == numbers, "count of numbers")
}

func failing(conn driver.Conn) {
	_, err := conn.Query(ctx, "SELECT nope")
	that(err != nil && strings.Contains(err.Error(), "47"), fmt.Sprint("error ", err))
}

func failingLate(conn driver.Conn) {
	n, err := count(conn, failsLate)
	that(err != nil, fmt.Sprint("an error after ", n))
}

func cancelled(conn driver.Conn) {
	id := uuid.NewString()
	within, cancel := context.WithCancel(clickhouse.Context(ctx, clickhouse.WithQueryID(id)))
	ended := make(chan error)
	go func() {
		_, err := conn.Query(within, endless)
		ended <- err
	}()
	for running(conn, id) == 0 {
	}
	cancel()
	that(errors.Is(<-ended, context.Canceled), "cancelled")
	for running(conn, id) > 0 {
	}
}

func running(conn driver.Conn, id string) (n uint64) {
	check(conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE query_id = '"+id+"'").Scan(&n), "processes")
	return n
}

func session(driver.Conn) {
	with := options(clickhouse.CompressionLZ4)
	with.Settings = clickhouse.Settings{"session_id": uuid.NewString()}
	conn := open(with)
	var got uint8
	check(conn.Exec(ctx, "CREATE TEMPORARY TABLE kept (a UInt8)"), "create")
	check(conn.Exec(ctx, "INSERT INTO kept VALUES (7)"), "insert")
	check(conn.QueryRow(ctx, "SELECT a FROM kept").Scan(&got), "select")
	that(got == 7, "kept")
}

func external(conn driver.Conn) {
	table, err := ext.NewTable("sent", ext.Column("a", "UInt8"))
	check(err, "table")
	check(table.Append(uint8(7)), "row")
	var got uint8
	with := clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
	check(conn.QueryRow(with, "SELECT a FROM sent").Scan(&got), "external")
	that(got == 7, "sent")
}
