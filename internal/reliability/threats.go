package main

var threats = group{
	title: "Threats",
	about: "Who attacks, and what holds against him. What is not promised is in SECURITY.md.",
	rows: []row{
		{
			"has a dump of the database", "learns names, who is granted what, sizes and times; no value, no token, no key",
			[]string{"TestADumpOfTheDatabaseHoldsNoValueTokenOrKey", "TestFilesOfAServerHoldNoValueTokenOrKey", "TestStoreOfCiphertextHoldsNoValue", "TestNoCiphertextOfADeletedSecretIsInTheFiles"},
			[]string{"canaries-searched"},
		},
		{
			"writes to the database", "reads nothing; each change is detected, or is a deletion or a rollback; he cannot make himself a grantee",
			[]string{
				"TestNoChangeOfAnyRecordGivesAWrongValue", "TestOlderRecordsOfOneKindAreNoticed", "TestRecordEditedBeforeAnUpdateLeadsNobodyAstray",
				"TestWhateverTheStoreAnswersIsTrueOrRefused", "TestSops224NobodyMakesHimselfARecipient", "TestVerifyFindsEveryRecordThatIsNotAsItWas",
			},
			[]string{"mutations"},
		},
		{
			"a service with its token, and the database to write to", "opens exactly its grants, and cannot alter what another service reads",
			[]string{
				"TestATokenWithTheDatabaseForgesForItsOwnServiceAlone", "TestAGranteeWithTheDatabaseCannotChangeWhatAnotherReads",
				"TestGrantedServiceWithTheDatabaseCannotChangeWhatAnotherReads", "TestThePlatformInjectsNoSecretThatWasForged",
				"TestAnExpiryThatTheTokensHolderMovesEndsWithItsRevocation",
			},
			nil,
		},
		{
			"a revoked service or token, with copies of all rows", "opens nothing that was put after the revocation returned, whatever went on beside it: tried in every order of at most three switches (with `-long` in every order, except beside a second revocation)",
			[]string{
				"TestRevokeTokenIsRightInEveryScheduleOfFewSwitches", "TestRevokeTokenIsRightBesideAProcessThatEndsAtAnyCall",
				"TestSops901RevokedServiceLosesAccessAlsoWithItsRowPutBack", "TestAFormerTokenWithTheDatabaseForgesForNobody",
				"TestATokenThatIsNotListedAnyMoreReadsNothingNew",
			},
			[]string{"interleavings"},
		},
		{
			"the same, and the database to write to", "no way back by restoring a single record, or his own. That several are restored together, such as all of one service's own, is not noticed by a process that has not seen the newer ones: SECURITY.md",
			[]string{
				"TestRowsOfARevocationPutBackOpenNothingNew", "TestNoRecordPutBackAloneBringsAnythingRevokedBack", "TestAServiceRecordFromBeforeItsTokensIsRefused",
				"TestAServiceThatWasDeletedDoesNotComeBack", "TestCacheThatIsPutBackAfterAccessWasLostIsNotServed",
				"TestAnUpdateUnderWayWrapsForNoKeyThatIsGone", "TestAServiceRecordPutBackAloneIsRefusedByAnUpdate",
			},
			nil,
		},
		{
			"a neighbour organization", "gets nothing: not by moved rows, the same names, or names that look alike",
			[]string{
				"TestRecordsOfAnotherOrganizationGiveNothing", "TestATokenOpensNothingUnderAnotherOrganizationsName",
				"TestAnOrganizationsRecordDoesNotOpenUnderAnotherName", "crypto.TestTwoOrganizationsCannotBeSwapped",
				"TestCVE202645808ARevocationReachesNoOtherOrganizationOrService", "TestCVE202564761CaseAndSpacesMakeNoSecondIdentity",
			},
			nil,
		},
		{
			"reads errors, logs, panics, test output", "never sees a value, key, token or connection string",
			[]string{
				"TestNoErrorOfAnyCallHoldsAValue", "TestTamperedRecordsLeakNothing", "TestNoVerbPrintsAValueOrToken", "TestNoHandlePrintsAValueTokenOrKey",
				"TestPanicsAndTestLogsDoNotShowAValueOrToken", "TestCacheLeaksNothing", "TestTheLogOfACacheSaysWhatIsWrongAndNoSecret", "crypto.TestNoVerbPrintsAKey", "crypto.TestNoEncoderOrLoggerWritesAKey",
				"envload.TestNoErrorOfAnOptionCarriesAValue", "envload.TestNoErrorOfTheRulesCarriesAValue", "envload.TestNoReportCarriesAValue",
				"envload.TestNoErrorOfTokenCarriesIt", "envload.TestAChildThatCannotStartShowsNothingOfItsEnvironment",
				"envload.TestAChildWasStartedWithWhatItIsGrantedAndNothingElse", "envload/fromenv.TestWhatIsWrongIsSaidWithoutWhatIsInIt", "storage.TestLimitErrorsCarryNoValue",
				"storage/sqlite.TestConnectionStringsAreNotRepeated", "storage/postgres.TestErrorsShowNothingOfAConnectionString",
				"storage/postgres.TestErrorsOfTheServerQuoteNothing", "storage/etcd.TestErrorsHaveNothingThatTheServerQuotes",
			},
			[]string{"canaries-searched"},
		},
		{
			"chooses a name or a value", "sets no variable that changes how programs run, injects nothing, and crashes nothing",
			[]string{
				"TestPrivilegedVariablesAreRefusedWithoutCase", "TestGrantRefusesPrivilegedVariables", "TestThePlatformInjectsNoSecretIntoAPrivilegedVariable",
				"TestBadVariablesAreRefused", "TestCVE202241716NULDoesNotReachAVariable", "envload.TestPrivilegedVariablesAreRefused",
				"envload.TestLoadRefusesWhatNoProgramCouldBeStartedWith", "envload.TestLoadRefusesTooMuchInAll", "envload.TestManyVariablesAreSetTogetherOrNotAtAll",
				"envload.TestEnvironRefusesWhatCannotBeStarted",
				"TestBadNamesAreRefusedByEveryCall",
			},
			nil,
		},
		{
			"sends or stores what is huge or malformed", "takes bounded memory and time; one bad row does not hide the others",
			[]string{
				"TestCVE20256203RecordsThatClaimMuchCostLittle", "TestPlantedRowsDoNotFillTheMemory", "TestNoCallFollowsAListingThatDoesNotEnd",
				"TestListingsYieldWhatWasTamperedWithAndGoOn", "TestListingTakesTheMemoryOfAPage", "TestValuesThatAreEmptyOrTooLargeAreRefused",
				"TestOddKeysHideNothing", "storage.TestLimitRefusesWhatIsBeyondTheLimits",
			},
			nil,
		},
		{
			"runs or loses the KMS", "a wrong root is a clear error when an organization is opened; an outage breaks no open handle, and nothing is ever stored in the clear",
			[]string{
				"TestAWrongRootChangesNothing", "TestWrongRootIsToldApart", "TestAnOutageOfTheRootBreaksNoOpenHandle", "crypto.TestAnImpostorRootIsTheWrongRoot",
				"crypto.TestAnOutageIsNotAWrongRoot", "TestACallEndsWithItsContextWhileAnotherWaitsForTheRoot", "TestARootThatIsDownAtAnyCallStopsTheRotationUntilItIsBack",
				"TestDeletionOfAnOrganizationEndsWithItsContextAlsoIfTheRootHangs",
			},
			nil,
		},
	},
}
