package main

var attacks = group{
	title: "Attacks",
	about: "Found when the protocols and the formats were reviewed. Each was tried.",
	rows: []row{
		{
			"a grantee relabels a ciphertext", "who holds a version's key finds another name under which the value opens (GHASH is linear); no wrap follows him",
			[]string{"crypto.TestAGranteeCanRelabelAValueButNoWrap", "crypto.TestCVE20208897AGranteeCanReplaceACiphertextButNotItsDigest"}, nil,
		},
		{
			"what a revocation changed is put back", "one by one and all of one kind, before the same process and a fresh one: the revoked reads nothing new",
			[]string{"TestRowsOfARevocationPutBackOpenNothingNew", "TestSops901RevokedServiceLosesAccessAlsoWithItsRowPutBack", "TestNoRecordPutBackAloneBringsAnythingRevokedBack"}, nil,
		},
		{
			"a row or a list is taken away, so that a revocation does not meet a secret", "beside an update that has read it, in one batch and in stages, and before one that is given the service's old record: who was revoked reads nothing new, and nobody else is hindered by what keeps him from it",
			[]string{"TestAnUpdateUnderWayWrapsForNoKeyThatIsGone", "TestAServiceRecordPutBackAloneIsRefusedByAnUpdate", "TestRevocationsOfOthersHinderNobody"}, nil,
		},
		{
			"a record is put back under an operation that has read it", "with the version that it had: neither an update undoes a revocation, nor does RotateKey take the old key for the new one",
			[]string{"TestASecretPutBackUnderAnUpdateDoesNotUndoARevocation", "TestRotateKeyNoticesThatItsRecordWasPutBack"}, nil,
		},
		{
			"a batch that was refused is put there later", "by the store that has seen it: the process that has revoked takes none of it",
			[]string{"TestABatchThatWasRefusedIsNotTakenLater"}, nil,
		},
		{
			"a revoked token's row is put back", "before another token is revoked: it is not given the next key",
			[]string{"TestRevokedTokensRecordPutBackBeforeAnotherIsRevokedGivesNothing"}, nil,
		},
		{
			"a record is edited before an update", "a row's variable, a secret's version, and one bit of every third byte (with `-long` of every byte) of every record of an organization: the update believes none of it",
			[]string{"TestAVariableOrVersionEditedBeforeAnUpdateLeadsNobodyAstray", "TestRecordEditedBeforeAnUpdateLeadsNobodyAstray"}, []string{"mutations"},
		},
		{
			"another organization's keyset row", "opens under no other name",
			[]string{"TestAnOrganizationsRecordDoesNotOpenUnderAnotherName", "crypto.TestTwoOrganizationsCannotBeSwapped"}, nil,
		},
		{
			"IssueToken between listing and flip", "beside RevokeToken, in every order of at most three switches (with `-long` in every order): the new token reads, and the revoked does not",
			[]string{"TestRevokeTokenIsRightInEveryScheduleOfFewSwitches"}, []string{"interleavings"},
		},
		{
			"RevokeToken beside Update", "each stopped at every storage call, and going on later; and in every order of at most three switches (with `-long` in every order)",
			[]string{"TestActorStoppedAtAnyCallAndGoingOnLaterKeepsWhatTheModelPromises", "TestRevokeTokenIsRightInEveryScheduleOfFewSwitches"}, []string{"interleavings"},
		},
		{
			"a second staged update", "while the first is stopped between stage and flip, or is slow: both get through",
			[]string{"TestActorStoppedAtAnyCallAndGoingOnLaterKeepsWhatTheModelPromises", "TestStagedWritersOverASlowStoreBothGetThrough", "TestAbandonedClaimsAreWaitedForTogether"}, nil,
		},
		{
			"a slow deletion", "leaves what was created and granted anew meanwhile",
			[]string{
				"TestASlowDeletionOfASecretLeavesItsSuccessor", "TestASlowDeletionOfAServiceLeavesItsSuccessorsGrants", "TestASlowDeletionOfAServiceLeavesTheRowOfAGrantMadeMeanwhile",
				"TestASlowDeletionOfAnOrganizationLeavesItsSuccessor", "TestALostDeletionOfASecretLeavesItsSuccessor",
			}, nil,
		},
		{
			"two grants in one variable", "one of them is refused, also at the same time and in another case",
			[]string{"TestTwoGrantsAtOnceDoNotMeetInOneVariable", "TestTwoSecretsDoNotMeetInOneVariable", "TestATakenVariableIsRefusedInAnyCase"}, nil,
		},
		{
			"a commit lands after its read-back", "nothing is undone, repeated, or granted by it",
			[]string{
				"TestACommitThatLandsAfterItsReadBackChangesNoResult", "TestALostCreationOfAServiceDoesNotLandAfterItsDeletion", "TestALostGrantDoesNotLandAfterRevokeReturned",
				"TestALostCreationOfASecretIsNotRepeatedAfterItsDeletion", "TestALostValueIsNotSetAgainOverManyLaterOnes",
			}, nil,
		},
		{
			"write skew and phantoms", "are refused by every driver",
			everyDriver("ConcurrentWriteSkewIsRefused", "ConcurrentPhantomIsRefused"), nil,
		},
		{
			"delete, create, then an old check", "fails, also after the store was opened again",
			everyDriver("VersionIsNotReusedAfterDelete", "VersionIsNotReusedAfterReopening"), nil,
		},
	},
}

// everyDriver returns cases of the conformance suite, of each driver.
func everyDriver(cases ...string) []string {
	var all []string
	for _, driver := range []string{"memory", "sqlite", "postgres", "etcd"} {
		for _, c := range cases {
			all = append(all, "storage/"+driver+".TestStore/"+c)
		}
	}
	return all
}
