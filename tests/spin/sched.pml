/* The scheduler's protocol in Promela: sleep and wake-up, idle cores, stealing, moving a sleeper,
 * work that is left until a vCPU is scheduled in. Each step is an access to memory that other cores
 * see; names are those of hv/sched. One vCPU, cores that run it, wakers on other cores.
 *
 * spin explores all orders of the steps. On x86 one more is possible: a store may become visible
 * after a later load. Where the code has a barrier between a store and a load, ORDERED() says so;
 * without it both orders are tried. BROKEN=n takes one barrier or one look away: each of these
 * models must fail (tests/spin/run), else this one proves nothing. */

#define CORES 2
/* What the two wakers do: a bit for each thing that one of them may choose. */
#define WAKE   1
#define PLACE  2 /* sched_place() */
#define LETTER 4 /* something that is left until the vCPU is scheduled in */
#ifndef FIRST
#define FIRST WAKE
#endif
#ifndef SECOND
#define SECOND (WAKE + PLACE)
#endif
#ifndef BROKEN
#define BROKEN	 0
#endif

#define NO_SLEEP_BARRIER 1 /* put_back(): state against wake_pending */
#define NO_WAKE_BARRIER	 2 /* sched_wake(): the other side of it */
#define NO_IDLE_BARRIER	 3 /* go_idle(): idle against the queue */
#define NO_KICK_BARRIER	 4 /* preempt_for(): the other side of it */
#define NO_HELD_BARRIER	 5 /* do_held_work(): RUNNING against held */
#define NO_HOLD_BARRIER	 6 /* hint_hold(): the other side of it */
#define NO_HOLD_LOOK	 7 /* a vCPU that fell asleep before hint_hold() is not woken */
#define NO_HOME_LOOK	 8 /* lock_home() does not look whether the home is still the same */
#define NO_PENDING_LOOK	 9 /* put_back() sleeps whatever wake_pending says */
#define NO_MOVING_STATE	 10 /* sched_place() leaves the state ASLEEP on the way */
#define NO_MOVED_LOOK	 11 /* and does not look for a wake-up at the end of it */
#define NO_STATE_LOOK	 12 /* sched_wake() does not look at the state again under the lock */

/* a store and a load of something else, with a barrier between, unless it is `missing` */
#define ORDERED(missing, store, load)                                                              \
	if                                                                                         \
	:: store; load                                                                             \
	:: BROKEN == missing -> load; store                                                        \
	fi

mtype = { ASLEEP, QUEUED, RUNNING, MOVING };

mtype state = ASLEEP;
mtype word = ASLEEP; /* of the hint */
byte home;
bool wake_pending, held;
bool lock[CORES], queued[CORES], sleeper[CORES], idle[CORES], interrupt[CORES];

#ifdef STEALS
byte steals; /* two idle cores could take the vCPU from each other for ever, were they exactly as fast */
#define MAY_STEAL (steals < STEALS)
#else
#define MAY_STEAL true
#endif

byte on_cores; /* how many run the vCPU */
byte messages; /* for the vCPU, not yet seen by it */
byte letters;  /* packets left until it is scheduled in */

/* What only the owner of a lock looks at may change in one step with it. */
#define LOCK(c)	  atomic { !lock[c] -> lock[c] = true }
#define UNLOCK(c) lock[c] = false
#define OTHER(c)  (1 - (c))

inline lock_home(h)
{
	do
	:: h = home;
	   LOCK(h);
	   if
	   :: home == h || BROKEN == NO_HOME_LOOK -> break
	   :: else -> UNLOCK(h)
	   fi
	od
}

/* under c's lock; the vCPU is in no list */
inline enqueue(c)
{
	d_step {
		assert(lock[c] && home == c);
		assert(!queued[0] && !queued[1] && !sleeper[0] && !sleeper[1]);
		state = QUEUED;
		queued[c] = true
	};
	word = QUEUED
}

inline claim(c, was_idle)
{
	d_step { was_idle = idle[c]; idle[c] = false }
}

/* Under h's lock, which it releases. Whether h is busy is left open. */
inline make_runnable(h, flag)
{
	if
	:: claim(OTHER(h), flag);
	   if
	   :: flag ->
		state = QUEUED;
		home = OTHER(h);
		UNLOCK(h);
		LOCK(OTHER(h));
		enqueue(OTHER(h));
		UNLOCK(OTHER(h));
		interrupt[OTHER(h)] = true
	   :: else -> goto_home(h, flag)
	   fi
	:: goto_home(h, flag)
	fi
}

inline goto_home(h, flag)
{
	ORDERED(NO_KICK_BARRIER, enqueue(h), claim(h, flag));
	UNLOCK(h);
	if
	:: flag -> interrupt[h] = true
	:: else
	fi
}

inline sched_wake(h, flag, seen)
{
	ORDERED(NO_WAKE_BARRIER, wake_pending = true, seen = state);
	if
	:: seen != ASLEEP
	:: else ->
		lock_home(h);
		if
		:: state != ASLEEP && BROKEN != NO_STATE_LOOK -> UNLOCK(h)
		:: else ->
			d_step {
				wake_pending = false;
				assert(sleeper[h]);
				sleeper[h] = false
			};
			make_runnable(h, flag)
		fi
	fi
}

/* moves a sleeper to the other core */
inline sched_place(h, flag)
{
	if
	:: word != ASLEEP
	:: else ->
		lock_home(h);
		if
		:: state != ASLEEP -> UNLOCK(h)
		:: else ->
			d_step {
				assert(sleeper[h]);
				sleeper[h] = false;
				if
				:: BROKEN != NO_MOVING_STATE -> state = MOVING
				:: else
				fi
			};
			home = OTHER(h);
			atomic { UNLOCK(h); h = OTHER(h) };
			LOCK(h);
			state = ASLEEP;
			d_step { flag = wake_pending; wake_pending = false };
			if
			:: flag && BROKEN != NO_MOVED_LOOK -> make_runnable(h, flag)
			:: else -> atomic { sleeper[h] = true; UNLOCK(h) }
			fi
		fi
	fi
}

inline take_held(flag)
{
	d_step { flag = held; held = false };
	if
	:: flag -> letters = 0
	:: else
	fi
}

/* packet code leaves something until the vCPU is scheduled in */
inline leave_letter(h, flag, seen)
{
	letters++;
	ORDERED(NO_HOLD_BARRIER, held = true, seen = word);
	if
	:: seen == RUNNING -> take_held(flag)
	:: else ->
		if
		:: word == ASLEEP && BROKEN != NO_HOLD_LOOK -> sched_wake(h, flag, seen)
		:: else
		fi
	fi
}

proctype Waker(byte may)
{
	byte h;
	bool flag;
	mtype seen;

	if
	:: may & WAKE -> messages++; sched_wake(h, flag, seen)
	:: may & PLACE -> sched_place(h, flag)
	:: may & LETTER -> leave_letter(h, flag, seen)
	fi;
	d_step { h = 0; flag = false; seen = 0 }
}

/* run(), and before it what was held */
inline run_entity(flag, again)
{
	on_cores++;
	assert(on_cores == 1);
	ORDERED(NO_HELD_BARRIER, word = RUNNING, flag = held);
	if
	:: flag -> take_held(flag)
	:: else
	fi;
	wake_pending = false; /* sched_forget_wake(), as before the last look */
	messages = 0;
	if
	:: wake_pending = false
	:: skip
	fi;
	again = messages > 0;
	on_cores--
}

inline put_back(c, flag, again)
{
	LOCK(c);
	if
	:: again -> enqueue(c)
	:: else ->
		ORDERED(NO_SLEEP_BARRIER, state = ASLEEP; word = ASLEEP, flag = wake_pending);
		if
		:: flag && BROKEN != NO_PENDING_LOOK -> enqueue(c)
		:: else -> sleeper[c] = true
		fi
	fi;
	atomic { UNLOCK(c); flag = false; again = false }
}

inline steal(c, got)
{
	LOCK(OTHER(c));
	d_step {
		got = queued[OTHER(c)];
		queued[OTHER(c)] = false;
		if
		:: got ->
			home = c;
#ifdef STEALS
			steals++
#endif
		:: else
		fi
	};
	UNLOCK(OTHER(c));
	if
	:: got -> LOCK(c); enqueue(c); atomic { UNLOCK(c); got = false }
	:: else ->
end_halt:	interrupt[c] /* sti; hlt */
	fi
}

proctype Core(byte c)
{
	bool flag, got;

	do
	:: interrupt[c] = false;
	   LOCK(c);
	   atomic { got = queued[c]; queued[c] = false };
	   if
	   :: got -> state = RUNNING
	   :: else
	   fi;
	   UNLOCK(c);
	   if
	   :: got -> run_entity(flag, got); put_back(c, flag, got)
	   :: else ->
		ORDERED(NO_IDLE_BARRIER, idle[c] = true, flag = queued[c]);
		if
		:: flag -> flag = false
		:: else ->
			if
			:: MAY_STEAL -> steal(c, got)
			:: skip; /* it may not take it */
end_no_steal:		   interrupt[c]
			fi
		fi;
		idle[c] = false
	   fi
	od
}

/* When nothing moves any more, nothing may be left to do. */
proctype Judge()
{
	timeout;
	assert(messages == 0 && letters == 0);
	assert(state == ASLEEP && sleeper[home])
}

init {
	byte i;

	atomic {
		sleeper[0] = true;
		for (i : 0 .. CORES - 1) {
			run Core(i)
		}
		run Waker(FIRST);
		run Waker(SECOND);
		run Judge()
	}
}

/* A message is seen, a letter is read, whatever else goes on. */
ltl served { [] (messages > 0 -> <> (messages == 0)) && [] (letters > 0 -> <> (letters == 0)) }
