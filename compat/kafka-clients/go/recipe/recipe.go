// Package recipe holds the records that every client writes and reads. The same rule stands in each language; change all of them or none.
package recipe

import (
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"time"
)

const (
	Count    = 1000
	keys     = 37
	patience = 60 * time.Second
)

// Header is a name and its bytes.
type Header struct {
	Name  string
	Value []byte
}

// Record is one record; a nil value is a null.
type Record struct {
	Key, Value []byte
	Headers    []Header
}

// Make answers record i: 37 keys in turn, values of any bytes, every hundredth a null, two headers.
func Make(i int) Record {
	var value []byte
	if i%100 != 99 {
		value = make([]byte, 1+i*7%300)
		for j := range value {
			value[j] = byte(i*31 + j*17)
		}
	}
	headers := []Header{{"n", []byte(strconv.Itoa(i))}, {"raw", []byte{0xff, 0, byte(i)}}}
	return Record{Key: []byte("key-" + strconv.Itoa(i%keys)), Value: value, Headers: headers}
}

// Range answers the numbers from first up to end.
func Range(first, end int) []int {
	var all []int
	for i := first; i < end; i++ {
		all = append(all, i)
	}
	return all
}

func shown(r Record) string {
	text := "null"
	if r.Value != nil {
		text = hex.EncodeToString(r.Value)
	}
	for _, h := range r.Headers {
		text += " " + h.Name + "=" + hex.EncodeToString(h.Value)
	}
	return text
}

func byKey(records []Record) map[string][]string {
	groups := map[string][]string{}
	for _, r := range records {
		groups[string(r.Key)] = append(groups[string(r.Key)], shown(r))
	}
	return groups
}

// Verify panics unless records are those of wanted, in order key by key.
func Verify(records []Record, wanted []int) {
	Same("records", len(records), len(wanted))
	var expected []Record
	for _, i := range wanted {
		expected = append(expected, Make(i))
	}
	want, found := byKey(expected), byKey(records)
	for key := range want {
		if !reflect.DeepEqual(want[key], found[key]) {
			panic(key + ": other records, or in another order")
		}
	}
}

// Same panics where two values differ.
func Same(what string, found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("%s: %v instead of %v", what, found, expected))
	}
}

// Must panics on an error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Get answers a value that came without an error.
func Get[T any](value T, err error) T {
	Must(err)
	return value
}

// Until waits until done answers true.
func Until(what string, done func() bool) {
	for begin := time.Now(); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			panic(what + ": not within " + patience.String())
		}
	}
}

// Main runs the step that the command line names: STEP BOOTSTRAP TOPIC GROUP. A step that is not there ends with 3.
func Main(steps map[string]func(bootstrap, topic, group string)) {
	step, there := steps[os.Args[1]]
	if !there {
		os.Exit(3)
	}
	step(os.Args[2], os.Args[3], os.Args[4])
}
