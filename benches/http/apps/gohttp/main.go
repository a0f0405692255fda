// The standard library's server of Go, for scale. Usage: gohttp PORT
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"
)

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func hello(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]string{"hello": "world"})
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /text", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Length", "13")
		w.Write([]byte("Hello, World!"))
	})
	mux.HandleFunc("GET /json", hello)
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServer(http.Dir(os.Getenv("BENCH_STATIC")))))
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		id, err := strconv.Atoi(r.PathValue("id"))
		limit, err2 := strconv.Atoi(query.Get("limit"))
		if err != nil || err2 != nil {
			http.Error(w, "not a number", 422)
			return
		}
		answer(w, map[string]any{"id": id, "q": query.Get("q"), "limit": limit})
	})
	mux.HandleFunc("GET /sleep0", func(w http.ResponseWriter, r *http.Request) {
		runtime.Gosched()
		hello(w, r)
	})
	mux.HandleFunc("GET /sleep1ms", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		hello(w, r)
	})
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		for range 16 {
			w.Write(chunk)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(64 << 10); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		answer(w, map[string]int64{"bytes": r.MultipartForm.File["file"][0].Size})
		r.MultipartForm.RemoveAll()
	})
	if os.Getenv("BENCH_ROUTES") == "1000" {
		for i := range 999 {
			mux.HandleFunc(fmt.Sprintf("GET /v%d/areas/%d/shops/%d/items/{id}", i/100, i/10%10, i%10), hello)
		}
	}
	mux.HandleFunc("GET /v9/areas/9/shops/9/items/{id}", hello)
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], mux))
}
