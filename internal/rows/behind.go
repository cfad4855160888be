package rows

// behind does a slow thing to each of many blocks, in their order, in a goroutine
// of its own, while the next blocks are made. It ends with finish or stop, one of
// which must be called.
type behind[B any] struct {
	full  chan B
	spent chan B // blocks that are done with, to be filled again
	stops chan struct{}
	ended chan struct{}
	err   error // of the slow thing, once the goroutine ended
}

// startBehind starts the goroutine. At most waiting blocks wait for it. slow
// leaves a block empty.
func startBehind[B any](waiting int, slow func(*B) error) *behind[B] {
	b := &behind[B]{full: make(chan B, waiting), spent: make(chan B, waiting+1), stops: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		for {
			select {
			case <-b.stops:
				return
			case block, more := <-b.full:
				if !more {
					return
				}
				if b.err = slow(&block); b.err != nil {
					return
				}
				select {
				case b.spent <- block:
				default:
				}
			}
		}
	}()
	return b
}

// add hands over a block and returns another to fill, zero if there is none yet.
// After an error of an earlier block it returns that.
func (b *behind[B]) add(block B) (next B, err error) {
	select {
	case b.full <- block:
	case <-b.ended:
		return next, b.err
	}
	select {
	case next = <-b.spent:
	default:
	}
	return next, nil
}

// finish waits until all blocks are done.
func (b *behind[B]) finish() error {
	close(b.full)
	<-b.ended
	return b.err
}

// stop waits for the block at hand and gives up the others.
func (b *behind[B]) stop() {
	close(b.stops)
	<-b.ended
}
