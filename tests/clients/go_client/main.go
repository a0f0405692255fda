// Go's net/http client. Prints what it got as JSON. Usage: go_client BASE FACTS
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
	"time"
)

var facts struct {
	Chunk, Streamed int
	BothWays        int `json:"both_ways"`
	Files           [][]any
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func content(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i % 251)
	}
	return data
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

var client = http.Client{
	Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second},
	Timeout:   30 * time.Second,
}

func do(method, path string, body io.Reader, fields ...string) (*http.Response, []byte) {
	request, err := http.NewRequest(method, os.Args[1]+path, body)
	check(err)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	answer, err := client.Do(request)
	check(err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	check(err)
	return answer, data
}

// A reader of which the client cannot know the size.
type pieces struct{ io.Reader }

func decoded(data []byte) map[string]any {
	var value map[string]any
	check(json.Unmarshal(data, &value))
	return value
}

func main() {
	check(json.Unmarshal([]byte(os.Args[2]), &facts))
	found := map[string]any{}
	_, first := do("GET", "/peer", nil)
	_, second := do("GET", "/peer", nil)
	found["kept"] = bytes.Equal(first, second)
	_, data := do("GET", "/stream", nil)
	found["stream"] = digest(data)
	_, data = do("GET", "/large", nil)
	found["large"] = digest(data)
	_, data = do("POST", "/digest", pieces{bytes.NewReader(content(facts.Streamed))})
	sent := decoded(data)
	found["sent"] = []any{sent["size"], sent["sha256"], sent["chunked"]}
	_, data = do("POST", "/both-ways", pieces{bytes.NewReader(content(facts.BothWays))})
	found["both_ways"] = digest(data)
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	for _, each := range facts.Files {
		part, err := writer.CreateFormFile("files", each[0].(string))
		check(err)
		part.Write(content(int(each[1].(float64))))
	}
	check(writer.Close())
	_, data = do("POST", "/upload", &form, "Content-Type", writer.FormDataContentType())
	var uploaded []any
	check(json.Unmarshal(data, &uploaded))
	found["upload"] = uploaded
	answer, data := do("GET", "/files/large.bin", nil, "Range", "bytes=100-199")
	found["range"] = []any{answer.StatusCode, answer.Header.Get("Content-Range"), digest(data)}
	answer, data = do("GET", "/files/large.bin", nil, "If-None-Match", answer.Header.Get("ETag"))
	found["conditional"] = []any{answer.StatusCode, len(data)}
	answer, data = do("HEAD", "/large", nil)
	found["head"] = []any{answer.StatusCode, answer.Header.Get("Content-Length"), len(data)}
	answer, _ = do("POST", "/small", bytes.NewReader(content(2000)), "Expect", "100-continue")
	found["too_large"] = answer.StatusCode
	answer, _ = do("GET", "/peer", nil)
	found["after"] = answer.StatusCode == 200
	_, data = do("POST", "/digest", bytes.NewReader(content(5000)), "Expect", "100-continue")
	continued := decoded(data)
	found["continued"] = []any{continued["expects"], continued["size"]}
	check(json.NewEncoder(os.Stdout).Encode(found))
}
