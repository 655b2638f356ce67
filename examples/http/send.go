// Record that a user saw artworks, from Go 1.21 or later, with its standard library:
//
//	go run examples/http/send.go http://127.0.0.1:8080 u42 a0042 a0043
//
// A token, if the collector wants one, is in IMPRESSIONS_TOKEN. Prints the collector's answers once all is stored.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Impression says that a user saw an artwork; further fields are in the contract, section 3.
type Impression struct {
	ImpressionID string `json:"impression_id"`
	ArtworkID    string `json:"artwork_id"`
	SeenAt       int64  `json:"seen_at"`
}

// Flush has ids of its own. Make it once, keep it until it is stored, and send it as often as you like.
type Flush struct {
	V           int          `json:"v"`
	FlushID     string       `json:"flush_id"`
	UserID      string       `json:"user_id"`
	SentAt      int64        `json:"sent_at"`
	Impressions []Impression `json:"impressions"`
}

// Answer is the collector's; Rejected names what the stream won't accept.
type Answer struct {
	Accepted *int              `json:"accepted"`
	Rejected []json.RawMessage `json:"rejected"`
}

func newID() string {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x", random)
}

func flushOf(userID string, artworkIDs []string) Flush {
	now := time.Now().UnixMilli()
	flush := Flush{V: 1, FlushID: newID(), UserID: userID, SentAt: now}
	for _, id := range artworkIDs {
		flush.Impressions = append(flush.Impressions, Impression{newID(), id, now})
	}
	return flush
}

var client = &http.Client{
	Timeout: 20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect is no answer
	},
}

// Send sends up to 500 flushes and returns the collector's answers, one for each request that it took.
// After an error, keep the flushes: none of them, some or all may be stored, and sending them again is safe.
func Send(endpoint, token string, flushes []Flush, giveUpAt time.Time) ([]Answer, error) {
	body, isGzip := bodyOf(flushes) // the same bytes each time
	for failures := 0; ; failures++ {
		status, answer, retryAfter, why := attempt(endpoint, token, body, isGzip)
		switch {
		case answer != nil:
			return []Answer{*answer}, nil
		case status == 413 && len(flushes) > 1:
			middle := len(flushes) / 2
			first, err := Send(endpoint, token, flushes[:middle], giveUpAt)
			if err != nil {
				return first, err
			}
			second, err := Send(endpoint, token, flushes[middle:], giveUpAt)
			return append(first, second...), err
		case status == 400, status == 401, status == 403, status == 413, status == 415:
			return nil, errors.New("refused: " + why) // the same would be refused again
		}
		// What the collector asks for and up to half as much more; without it, at random up to twice as long each time.
		seconds := mathrand.Float64() * math.Min(30, 0.5*math.Pow(2, float64(failures)))
		if wait, err := strconv.Atoi(retryAfter); err == nil && wait >= 0 {
			seconds = float64(wait) * (1 + mathrand.Float64()/2)
		}
		pause := time.Duration(math.Min(seconds, 3600) * float64(time.Second))
		if time.Now().Add(pause).After(giveUpAt) {
			return nil, errors.New("not stored in time: " + why)
		}
		time.Sleep(pause)
	}
}

func bodyOf(flushes []Flush) ([]byte, bool) {
	var lines [][]byte
	for _, flush := range flushes {
		line, err := json.Marshal(flush)
		if err != nil {
			panic(err)
		}
		lines = append(lines, line)
	}
	text := bytes.Join(lines, []byte("\n"))
	if len(text) <= 1024 {
		return text, false
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(text) // memory doesn't fail to write
	_ = writer.Close()
	return packed.Bytes(), true
}

// attempt makes one request. There is an answer only if the collector says what it stored: a page that a proxy answers
// in its place is not that.
func attempt(endpoint, token string, body []byte, isGzip bool) (int, *Answer, string, string) {
	request, err := http.NewRequest("POST", endpoint+"/v1/impressions", bytes.NewReader(body))
	if err != nil {
		return 0, nil, "", err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	if isGzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, "", err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return 0, nil, "", err.Error()
	}
	why := fmt.Sprintf("%d %.200s", response.StatusCode, text)
	var answer Answer
	isStored := response.StatusCode/100 == 2 && json.Unmarshal(text, &answer) == nil && answer.Accepted != nil
	if isStored && answer.Rejected != nil {
		return response.StatusCode, &answer, "", why
	}
	return response.StatusCode, nil, response.Header.Get("Retry-After"), why
}

func main() {
	flush := flushOf(os.Args[2], os.Args[3:])
	giveUpAt := time.Now().Add(120 * time.Second)
	answers, err := Send(os.Args[1], os.Getenv("IMPRESSIONS_TOKEN"), []Flush{flush}, giveUpAt)
	if err != nil {
		kept, _ := json.Marshal(flush)
		fmt.Fprintf(os.Stderr, "%v\nkeep this and send it again: %s\n", err, kept)
		os.Exit(1)
	}
	for _, answer := range answers {
		line, _ := json.Marshal(answer)
		fmt.Println(string(line))
	}
}
