// A publisher that is no part of Rintis: another language, another Kafka library, and nothing but docs/publish.md to go by.
//
// It publishes 100 registrations as kemnaker, and 20 permits and a report of each as siinas, then prints one JSON line per
// event that Kafka has acknowledged: {"service": …, "publisher": …, "source": …, "id": …}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	registrations = 100
	permits       = 20
	within        = 2 * time.Minute
)

// plan lies in the days of the system's clock, which may be set: the program is told them.
type plan struct {
	happened time.Time
	due      string
}

// event is one fact, told to one topic.
type event struct {
	topic, key, kind, source, id string
	data                         map[string]any
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: foreign-publisher BROKERS TIME DUE-DAY")
	}
	happened, err := time.Parse(time.RFC3339, os.Args[2])
	if err != nil {
		log.Fatalf("the time is not RFC 3339: %v", err)
	}
	// The library's producer is idempotent and waits for all replicas unless it is told otherwise.
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	p := plan{happened, os.Args[3]}
	// Permits first: a report that comes before its permit waits for it.
	for _, part := range [][]event{p.permits(), p.reports(), p.registrations()} {
		if err := publish(ctx, client, part, p.happened); err != nil {
			log.Fatal(err)
		}
	}
}

func publish(ctx context.Context, client *kgo.Client, events []event, happened time.Time) error {
	records := make([]*kgo.Record, 0, len(events))
	for _, e := range events {
		value, err := json.Marshal(e.data)
		if err != nil {
			return err
		}
		headers := []kgo.RecordHeader{
			{Key: "content-type", Value: []byte("application/json")},
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_type", Value: []byte(e.kind)},
			{Key: "ce_source", Value: []byte(e.source)},
			{Key: "ce_id", Value: []byte(e.id)},
			{Key: "ce_time", Value: []byte(happened.Format(time.RFC3339))},
		}
		records = append(records, &kgo.Record{Topic: e.topic, Key: []byte(e.key), Value: value, Headers: headers})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("publishing to %s: %w", events[0].topic, err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, e := range events {
		service, publisher := "reporting", "siinas"
		if e.topic == "intake.registrations.kemnaker" {
			service, publisher = "registration", "kemnaker"
		}
		line := map[string]string{"service": service, "publisher": publisher, "source": e.source, "id": e.id}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func (p plan) registrations() []event {
	events := make([]event, 0, registrations)
	for n := range registrations {
		// Every second one is a woman: 40 is added to the day within her NIK.
		born := time.Date(1980, time.January, 1+n%28, 0, 0, 0, 0, time.UTC)
		day := born.Day() + 40*(n%2)
		reference := fmt.Sprintf("KEM-LUAR-%04d", n)
		events = append(events, event{
			topic:  "intake.registrations.kemnaker",
			key:    reference,
			kind:   "id.rintis.intake.registration.submitted.v1",
			source: "https://kemnaker.example.go.id/phk",
			id:     fmt.Sprintf("phk-%04d", n),
			data: map[string]any{
				"reference": reference, "nik": fmt.Sprintf("327301%02d0180%04d", day, 1+n), "name": "Pekerja " + letters(n),
				"birth_date": born.Format(time.DateOnly), "phone": fmt.Sprintf("0812004%05d", n), "regency": "32.73",
				"employment_status": "phk", "layoff_on": "2020-04-06", "employer": "PT Sandang Contoh",
				"employer_kbli": "14111", "layoff_letter": fmt.Sprintf("%03d/HRD-PHK/IV/2020", n), "dependants": n % 5,
				"skills": []string{"menjahit"}, "unknown_to_you": true,
				"business_plan": map[string]any{"kbli": "14111", "description": "Usaha jahit seragam di rumah."},
			},
		})
	}
	return events
}

func (p plan) permits() []event {
	events := make([]event, 0, permits)
	for n := range permits {
		number := fmt.Sprintf("IOMKI-2020-%06d", n)
		events = append(events, event{
			topic:  "intake.permits.siinas",
			key:    number,
			kind:   "id.rintis.intake.permit.issued.v1",
			source: "https://siinas.example.go.id/iomki",
			id:     "izin-" + number,
			data: map[string]any{
				"permit_number": number, "company": fmt.Sprintf("PT Contoh Baja %d", n), "nib": fmt.Sprintf("91200012%05d", n),
				"kbli": "24101", "is_estate": false, "regency": "36.04", "workers": 240, "issued_on": "2020-04-28",
				"contact": map[string]any{"name": "Bagian Umum", "phone": "081234567890", "email": "umum@contoh.id"},
			},
		})
	}
	return events
}

func (p plan) reports() []event {
	events := make([]event, 0, permits)
	for n := range permits {
		number := fmt.Sprintf("IOMKI-2020-%06d", n)
		reference := fmt.Sprintf("LAP-%06d-%s", n, p.due)
		events = append(events, event{
			topic:  "intake.filings.siinas",
			key:    number,
			kind:   "id.rintis.intake.filing.submitted.v1",
			source: "https://siinas.example.go.id/iomki",
			id:     reference,
			data: map[string]any{
				"permit_number": number, "reference": reference, "due_on": p.due, "form": "2020-v1", "employees_total": 240,
				"employees_on_site": 180, "cases_suspected": 1, "cases_confirmed": 0, "has_screening": true,
				"has_protocol_sop": true, "transport": "bus perusahaan", "is_declared_true": true,
			},
		})
	}
	return events
}

// letters names a number without digits, as a name has none.
func letters(n int) string {
	return string(rune('A'+n/26)) + string(rune('a'+n%26))
}
