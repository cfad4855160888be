package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/cockroachdb/pebble"
	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite" // the driver

	"tinyv/internal/journal"
)

// store is what is compared. put returns once the reply is durable.
type store interface {
	put(journal.Key, journal.Reply) error
	get(journal.Key) (journal.Reply, error)
	close() error
}

var errAbsent = errors.New("the reply is not there")

func openStore(name, dir string) (store, error) {
	switch name {
	case "journal":
		j, err := journal.Open(dir, quiet())
		return ours{j}, err
	case "bbolt":
		return openBolt(filepath.Join(dir, "bolt.db"))
	case "pebble":
		db, err := pebble.Open(dir, &pebble.Options{Logger: silence{}})
		return pebbleStore{db}, err
	case "sqlite":
		return openSQLite(filepath.Join(dir, "sqlite.db"))
	case "badger":
		db, err := badger.Open(badger.DefaultOptions(dir).WithSyncWrites(true).WithLogger(nil))
		return badgerStore{db}, err
	}
	return nil, fmt.Errorf("%q is none of journal, bbolt, pebble, sqlite, badger", name)
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func compact(dir string) error {
	_, err := journal.Compact(context.Background(), dir, quiet())
	return err
}

type ours struct{ *journal.Journal }

func (o ours) put(k journal.Key, r journal.Reply) error { return o.Put(context.Background(), k, r) }
func (o ours) close() error                             { return o.Close() }

func (o ours) get(k journal.Key) (journal.Reply, error) {
	r, ok, err := o.Get(k)
	if err == nil && !ok {
		err = errAbsent
	}
	return r, err
}

func decode(value []byte) (r journal.Reply, err error) {
	if value == nil {
		return r, errAbsent
	}
	err = json.Unmarshal(value, &r)
	return r, err
}

// pair is one put of the stores that commit groups only if they are given them.
type pair struct {
	key, value []byte
	done       chan error
}

// group gives commit what waits, as the journal does for itself: a comparison
// with one transaction a reply would compare nothing.
type group struct {
	pairs chan *pair
	ended chan struct{}
}

func newGroup(commit func([]*pair) error) *group {
	g := &group{pairs: make(chan *pair), ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		for p := range g.pairs {
			batch := []*pair{p}
			for more := true; more; {
				select {
				case p, ok := <-g.pairs:
					if more = ok; ok {
						batch = append(batch, p)
					}
				default:
					more = false
				}
			}
			err := commit(batch)
			for _, p := range batch {
				p.done <- err
			}
		}
	}()
	return g
}

func (g *group) put(k journal.Key, r journal.Reply) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	p := &pair{k[:], value, make(chan error, 1)}
	g.pairs <- p
	return <-p.done
}

func (g *group) close() {
	close(g.pairs)
	<-g.ended
}

type boltStore struct {
	*group
	db *bbolt.DB
}

var bucket = []byte("replies")

func openBolt(path string) (store, error) {
	db, err := bbolt.Open(path, 0o644, nil)
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	commit := func(batch []*pair) error {
		return db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			for _, p := range batch {
				if err := b.Put(p.key, p.value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return boltStore{newGroup(commit), db}, err
}

func (s boltStore) get(k journal.Key) (r journal.Reply, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		r, err = decode(tx.Bucket(bucket).Get(k[:]))
		return err
	})
	return r, err
}

func (s boltStore) close() error {
	s.group.close()
	return s.db.Close()
}

type pebbleStore struct{ db *pebble.DB }

// silence is Pebble's log, of which only what ends the process is said.
type silence struct{}

func (silence) Infof(string, ...any)           {}
func (silence) Errorf(string, ...any)          {}
func (silence) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func (s pebbleStore) put(k journal.Key, r journal.Reply) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Set(k[:], value, pebble.Sync) // it groups concurrent commits itself
}

func (s pebbleStore) get(k journal.Key) (journal.Reply, error) {
	value, closer, err := s.db.Get(k[:])
	if err != nil {
		return journal.Reply{}, err
	}
	defer closer.Close()
	return decode(value)
}

func (s pebbleStore) close() error { return s.db.Close() }

type sqliteStore struct {
	*group
	db  *sql.DB
	one *sql.Stmt
}

func openSQLite(path string) (store, error) {
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, value BLOB)`); err != nil {
		return nil, err
	}
	one, err := db.Prepare(`SELECT value FROM replies WHERE key = ?`)
	if err != nil {
		return nil, err
	}
	commit := func(batch []*pair) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		insert, err := tx.Prepare(`INSERT OR REPLACE INTO replies VALUES (?, ?)`)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		defer insert.Close()
		for _, p := range batch {
			if _, err := insert.Exec(p.key, p.value); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	}
	return sqliteStore{newGroup(commit), db, one}, nil
}

func (s sqliteStore) get(k journal.Key) (journal.Reply, error) {
	var value []byte
	if err := s.one.QueryRow(k[:]).Scan(&value); err != nil {
		return journal.Reply{}, err
	}
	return decode(value)
}

func (s sqliteStore) close() error {
	s.group.close()
	return errors.Join(s.one.Close(), s.db.Close())
}

type badgerStore struct{ db *badger.DB }

func (s badgerStore) put(k journal.Key, r journal.Reply) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *badger.Txn) error { return tx.Set(k[:], value) }) // it groups concurrent commits itself
}

func (s badgerStore) get(k journal.Key) (r journal.Reply, err error) {
	err = s.db.View(func(tx *badger.Txn) error {
		item, err := tx.Get(k[:])
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) error {
			r, err = decode(value)
			return err
		})
	})
	return r, err
}

func (s badgerStore) close() error { return s.db.Close() }
