package main

// flat measures whether an update takes longer where there are many secrets.
var flat = study{
	name: "update/crowd", unit: nanoseconds,
	claims: []claim{
		{work: "Update at 100,000 secrets, back to back, SQLite", ours: "at 100,000", other: "at 100", most: 1.2},
		{work: "Update at 1,000,000 secrets, back to back, SQLite", ours: "at many", other: "at 100", most: 1.2},
	},
	setup: func(l *lab) (*race, error) {
		r := &race{}
		for _, among := range []struct {
			name   string
			others int
		}{{"at 100", 50}, {"at 100,000", l.hundredThousand()}, {"at many", l.many()}} {
			c, err := l.crowd(among.others)
			if err != nil {
				return nil, err
			}
			r.ways = append(r.ways, timed(among.name, updater(c.acme, name(0))))
		}
		return r, nil
	},
}

// flatBeside measures setec beside, which writes its whole file with each put.
var flatBeside = study{
	name: "update/peers", unit: nanoseconds,
	claims: []claim{{work: "Update at 100,000 secrets, each after a put of setec", other: "setec, a put at 100,000", most: 1}},
	setup: func(l *lab) (*race, error) {
		c, err := l.crowd(l.hundredThousand())
		if err != nil {
			return nil, err
		}
		setec, err := l.setec(l.hundredThousand())
		return &race{ways: []way{
			timed("ours", updater(c.acme, name(0))),
			setec.way("setec, a put at 100,000", "put"),
		}}, err
	},
}
