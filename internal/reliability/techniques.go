package main

var techniques = group{
	title: "Techniques",
	about: "What was done to find faults, and what it came to.",
	rows: []row{
		{
			"conformance and random operations", "every driver does what the interface says, and agrees with a model",
			[]string{"storage/memory.TestStore", "storage/sqlite.TestStore", "storage/postgres.TestStore", "storage/etcd.TestStore"}, nil,
		},
		{
			"a fault at the n-th call", "every operation of the engine, with every fault at every call: what is promised holds, and repeating it succeeds (over memory here; `.ci/run` does it over SQLite, PostgreSQL and etcd too)",
			[]string{"TestEveryOperationSurvivesAFaultAtEveryCallAndMayBeRepeated", "TestAContextThatEndsWithinACallLeavesNothingHalfDone", "storage/storagetest.TestFaultyCallFailsAsItsFaultSays"},
			[]string{"faults-driven"},
		},
		{
			"interleavings", "actors that are stopped at each call of the store keep what the model of the protocols promises: one is stopped and goes on later, orders are drawn, or each order is played in which at most three times one that could go on waits for another, a switch (with `-long` each order, except of two revocations)",
			[]string{
				"TestRevokeTokenIsRightInEveryScheduleOfFewSwitches", "TestActorStoppedAtAnyCallAndGoingOnLaterKeepsWhatTheModelPromises", "TestRandomInterleavingsKeepWhatTheModelPromises",
				"TestRandomFaultsAndTurnsKeepWhatIsPromised", "TestHandlesThatEverybodySharesKeepWorkingUnderEverythingAtOnce",
			},
			[]string{"interleavings"},
		},
		{
			"kill -9 (SQLite)", "nothing that was acknowledged is lost; a batch is there whole or not",
			[]string{"storage/sqlite.TestKilledWriterLosesNothingThatItAcknowledged", "storage/sqlite.TestKilledPurgeLosesNothing"}, []string{"kills", "acknowledged", "lost"},
		},
		{
			"power cuts (SQLite)", "nothing that was acknowledged is lost",
			[]string{"storage/sqlite.TestPowerCutLosesNothingThatWasAcknowledged"}, []string{"power-cuts", "acknowledged", "lost"},
		},
		{
			"disk full, failing disk (SQLite)", "what was acknowledged stays; the error says whether it was applied",
			[]string{"storage/sqlite.TestFullDiskLosesNothing", "storage/sqlite.TestPurgeOnAFullDiskChangesNothing", "storage/sqlite.TestFailureAtCommitTellsWhetherItWasApplied", "storage/sqlite.TestFailureWhileReadingIsUnavailable"}, nil,
		},
		{
			"contention", "processes and goroutines increment one row: no increment is lost, and nobody starves",
			append([]string{"storage/sqlite.TestWritersOfSeveralProcessesAllFinishWithinABoundedWait", "TestConcurrentWritersOfOneSecretAllGetThrough"}, everyDriver("ConcurrentIncrementsAreNotLost")...), nil,
		},
		{
			"crashes and restarts of PostgreSQL", "restarted at once, without a shutdown (`pg_ctl -m immediate`), under load: nothing acknowledged is lost, and watchers go on",
			[]string{"storage/postgres.TestCrashLosesNothingAcknowledged", "TestWatcherOutlivesCrashesOfPostgreSQL", "storage/postgres.TestChangesGoOnAfterTheConnectionWasLost"},
			[]string{"immediate-restarts", "acknowledged"},
		},
		{
			"lost replies on purpose", "a proxy drops a commit, or its reply: the outcome is unknown, and never applied twice",
			[]string{
				"storage/postgres.TestCommitThatIsCutOffIsOfUnknownOutcomeAndAppliedAtMostOnce", "storage/etcd.TestCommitWhoseReplyIsLostIsUnknownAndWasApplied",
				"storage/etcd.TestCommitThatIsLostOnItsWayIsUnknownAndWasNotApplied",
			}, nil,
		},
		{
			"kills, partitions and compactions of etcd", "nothing acknowledged is lost; a member that is cut off serves nothing; reads and watchers go on beside a compaction",
			[]string{
				"storage/etcd.TestNothingAcknowledgedIsLostWhenTheServerIsKilled", "storage/etcd.TestGetOfManyKeysReadsOneInstantBesideCompactions",
				"storage/etcd.TestChangesSurvivesACompactionOfWhatItMissed", "storage/etcd.TestCommitWithoutSpaceIsUnknown",
				"storage/etcd.TestMemberThatIsCutOffAcceptsNothingAndServesNothing", "TestWatcherOutlivesRestartsOfEtcd",
			}, nil,
		},
		{
			"a server that is away, or full", "for a while (half a minute at full length), and for everybody: calls end with their context, and all goes on once it is back",
			[]string{
				"internal/torture.TestServerThatIsGoneForAWhileComesBackToEverybody", "internal/torture.TestEtcdWithoutSpaceIsReadAndWritesNothingUntilItHasSpaceAgain",
				"internal/torture.TestAppWhoseWatchMissedACompactionSeesTheNewestValue",
			}, nil,
		},
		{
			"no connection left (PostgreSQL)", "more calls than connections wait for each other, and end with their context",
			[]string{"internal/torture.TestMoreCallsThanConnectionsWaitForEachOther", "internal/torture.TestCallsWithoutAConnectionEndWithTheirContext"}, nil,
		},
		{
			"a store or a root that does not answer", "whichever call it is, the operation ends with its context, and holds up nobody else",
			[]string{
				"TestEveryOperationEndsWithItsContextWhicheverCallTheStoreDoesNotAnswer", "TestEveryCallThatAsksARootWhichHangsEndsWithItsContext",
				"TestARootThatHangsHoldsUpNobodyWhoNeedNotAskIt", "TestARootThatPanicsLeavesNothingLocked",
			}, nil,
		},
		{
			"what is far too large", "values, names, variables and answers of 1 GiB are refused without a copy of them",
			[]string{
				"TestAValueOf1GiBIsRefusedWithoutACopyOfIt", "TestValuesAreComparedWithoutACopyOfThem", "TestWhatIsNoCacheIsRefusedWithoutReadingIt",
				"TestAnEnvironmentTakesAValueOf1GiBWithoutACopyOfIt", "TestNamesOf1GiBAreRefusedWithoutACopyOfThem",
				"TestVariablesTokensAndIDsOf1GiBAreRefusedWithoutACopyOfThem", "TestAnswersOfAStoreThatAreFarTooLargeAreRefusedWithoutACopyOfThem",
				"crypto.TestAnswersOfARootThatAreFarTooLargeAreRefused",
			}, nil,
		},
		{
			"mutation matrix", "one bit of each byte of each record of an organization is changed; each record is cut, extended, emptied, removed, replaced by every other and by an older one: no wrong value, no panic",
			[]string{"TestNoChangeOfAnyRecordGivesAWrongValue", "crypto.TestEveryBitOfACiphertextIsAuthenticated", "crypto.TestEveryFieldOfABindingIsAuthenticated"}, []string{"mutations"},
		},
		{
			"canaries", "planted values are looked for, raw, in hex and in base64, in everything that anybody could see",
			[]string{"TestNoErrorOfAnyCallHoldsAValue", "TestADumpOfTheDatabaseHoldsNoValueTokenOrKey", "TestFilesOfAServerHoldNoValueTokenOrKey", "secretstest.TestNoLeakFindsEachPlace"}, []string{"canaries-searched"},
		},
		{
			"a look into the memory", "of a child process: values that nobody holds any more are not there",
			[]string{"TestMemoryHoldsTheValuesThatTheCallerHoldsAndNoOthers"}, nil,
		},
		{
			"leaks", "a goroutine or an open file that tests leave behind fails their package; in CI each test runs alone too, but for the packages whose tests start servers",
			[]string{"internal/leaktest.TestWhatATestLeavesBehindFailsIt"}, nil,
		},
		{
			"the clock", "is given, and time passes in a bubble: expiry, polling and waiting are exact",
			[]string{"TestATokenIsGoodUntilItExpiresAndNoMillisecondLonger", "TestIdleWatcherMakesOneCallAMinute", "TestTimesAreThoseOfTheClock"}, nil,
		},
	},
}

var torture = group{
	title: "Histories",
	about: "What concurrent clients saw is explained by operations that took effect one after another, each between its call and its return " +
		"(linearizable), with lost and refused commits, contexts that end and processes that die, and servers that are killed meanwhile.",
	rows: []row{
		{"memory", "with turns that are drawn, and repeated by their seed", []string{"internal/torture.TestHistoriesOverMemoryAreLinearizable", "internal/torture.TestSeedRepeatsItsHistoryOverMemory"}, []string{"operations"}},
		{"SQLite", "two stores of one file", []string{"internal/torture.TestHistoriesOverSQLiteAreLinearizable"}, []string{"operations"}},
		{"PostgreSQL", "while the server crashes", []string{"internal/torture.TestHistoriesOverCrashesOfPostgreSQLAreLinearizable"}, []string{"operations"}},
		{
			"PostgreSQL, beside transactions of others", "that cause deadlocks and serialization failures: what the server ends is repeated",
			[]string{
				"internal/torture.TestHistoriesBesideForeignTransactionsAreLinearizable", "internal/torture.TestUpdateThatTheServerEndsForADeadlockIsRepeated",
			},
			[]string{"operations", "deadlocks", "serialization"},
		},
		{
			"etcd", "while the server is killed, and the leader of three, and while a client is cut off from one member or a member from the others",
			[]string{
				"internal/torture.TestHistoriesOverKillsOfEtcdAreLinearizable", "internal/torture.TestHistoriesOverLossesOfTheLeaderOfEtcdAreLinearizable",
				"internal/torture.TestHistoriesOverPartitionsOfEtcdAreLinearizable",
			},
			[]string{"operations"},
		},
		{"random steps", "tampering and crashes, held against a model", []string{"internal/torture.TestStepsTamperingAndCrashesKeepToTheModel"}, nil},
	},
}

var sessions = group{
	title: "Load",
	about: "200 sessions in one process read while an administrator updates without pause: no error, no stale value, no mixture of two updates.",
	rows: []row{
		{"SQLite", "two stores of one file, and the administrator's", []string{"internal/torture.TestSessionsOnOneSQLiteFileReadWhatIsCurrent"}, []string{"sessions", "reads", "updates", "read-p50", "read-p99"}},
		{"PostgreSQL", "two pools of connections to one server, of the sessions and of the administrator", []string{"internal/torture.TestSessionsOnPostgreSQLReadWhatIsCurrent"}, []string{"sessions", "reads", "updates", "read-p50", "read-p99"}},
	},
}
