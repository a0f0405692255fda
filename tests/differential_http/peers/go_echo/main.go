// A net/http server that says, in fields of its answer, what it understood of each request. Prints its port.
package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
)

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		// What net/http makes of a body that it cannot read: the connection ends without an answer.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Method", hex.EncodeToString([]byte(r.Method)))
	w.Header().Set("X-Target", hex.EncodeToString([]byte(r.RequestURI)))
	w.Header().Set("X-Length", strconv.Itoa(len(body)))
	shown := body
	if len(shown) > 128 {
		shown = shown[:128]
	}
	w.Header().Set("X-Body", hex.EncodeToString(shown))
	w.Header().Set("Content-Length", "0")
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := http.Server{Handler: http.HandlerFunc(echo), ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(server.Serve(listener))
}
