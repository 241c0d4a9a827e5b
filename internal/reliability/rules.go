package main

var rules = group{
	title: "Rules",
	about: "What the code holds to, and the tests that say so.",
	rows: []row{
		{
			"an error of a commit has one of three meanings", "a conflict and any other error: certainly not applied; only ErrUnknownOutcome may have been",
			[]string{
				"TestEveryOperationSurvivesAFaultAtEveryCallAndMayBeRepeated", "storage/sqlite.TestFailureAtCommitTellsWhetherItWasApplied",
				"storage/postgres.TestConflictIsKnownEvenIfTheAnswerToCommitIsLost", "storage/etcd.TestAnswersOfTheServerTellWhetherABatchWasApplied",
			}, nil,
		},
		{
			"PostgreSQL: nothing is sent twice", "a commit whose answer is lost is of unknown outcome, and applied at most once",
			[]string{"storage/postgres.TestCommitThatIsCutOffIsOfUnknownOutcomeAndAppliedAtMostOnce", "storage/postgres.TestServersSettingsDoNotWeakenACommit"}, nil,
		},
		{
			"SQLite: every connection waits for the disk", "the settings are read back from each kind of connection; a failed sync is of unknown outcome",
			[]string{"storage/sqlite.TestSettingsOfEveryKindOfConnection", "storage/sqlite.TestCommitWhoseSyncFailedMayComeBackAfterACrash"}, nil,
		},
		{
			"etcd: within its limits, no stale read", "the largest batch fits; a lost answer is of unknown outcome; no read is serializable",
			[]string{
				"storage/etcd.TestLargestBatchFitsUnderTheLongestPrefix", "storage/etcd.TestFlagsBelowTheDefaultsAreALimit", "storage/etcd.TestNoReadIsSerializable",
				"storage/etcd.TestCommitIsNotSentAgainWhereTheFirstMayHaveBeenApplied",
			}, nil,
		},
		{
			"no value prints", "in any verb, encoder or holder, behind a pointer or in a field that is not exported",
			[]string{"TestNoVerbPrintsAValueOrToken", "TestEveryVerbPrintsThePlaceholder", "TestEncodersWriteThePlaceholder", "TestASessionDoesNotShowItsToken"}, nil,
		},
		{
			"files of keys, tokens and caches", "are private, follow no planted link, wait for no pipe, and are there whole or not",
			[]string{
				"crypto.TestAKeyFileThatOthersMayReadIsRefused", "crypto.TestAKeyFileOfAnotherUserIsRefused", "crypto.TestAFullDiskLeavesNothingBehind",
				"crypto.TestProcessesStartingAtOnceShareOneKey", "envload.TestTokenDoesNotWaitForAPipe", "envload.TestTokenDoesNotWaitForAPipeThatIsPutInThePlaceOfTheFile",
				"TestCacheDoesNotWaitForAPipe", "TestCacheIsReplacedAndNotWrittenTo",
				"storage/sqlite.TestFilesArePrivateWhateverTheUmask", "storage/sqlite.TestNothingIsOpenedThroughALinkBesideTheDatabase",
			}, nil,
		},
		{
			"buffers are cleared", "after use no copy of a keyset or value is left that nobody holds",
			[]string{"crypto.TestBuffersThatHeldAKeysetAreCleared", "TestMemoryHoldsTheValuesThatTheCallerHoldsAndNoOthers"}, nil,
		},
		{
			"a key that is not known yet", "makes a handle read the organization again, so that apps notice no rotation",
			[]string{"TestRotationReplacesTheKeyOfEveryRecordAndAppsNoticeNothing", "TestALateWriterPutsNothingUnderAnOldKey"}, nil,
		},
		{
			"no test that cannot fail", "the suites find the faults that they are for; no fuzz corpus is empty; calls of the store are counted",
			[]string{
				"storage/storagetest.TestMutantsAreCaught", "storage/storagetest.TestEveryCaseCanFail", "internal/torture.TestStoresThatBreakTheirContractAreFound",
				"internal/torture.TestReadingsThatAreMixedOrStaleAreFound", "internal/torture.TestCorpusOfStepsMeetsEveryStepAndFault", "secretstest.TestNoLeakFindsEachForm",
				"crypto.TestTheSearchForLeaksFindsOne", "TestEveryFuzzTargetHasACorpus", "TestAppStartsInThreeCalls", "TestUpdateWithTenGranteesIsOneCommit",
			}, nil,
		},
	},
}
