package main

var incidents = group{
	title: "Incidents",
	about: "What has happened to others, and does not happen here.",
	rows: []row{
		{"CVE-2025-4166", "errors do not repeat what was passed", []string{"TestCVE20254166ErrorsDoNotRepeatWhatWasPassed", "envload.TestCVE20254166NoErrorOfParseCarriesAValue"}, nil},
		{"CVE-2024-8365", "no encoder writes a value or token", []string{"TestCVE20248365NoEncoderWritesAValueOrToken"}, nil},
		{"CVE-2025-62705", "no type that holds a value is encoded with it", []string{"TestCVE202562705NoTypeThatHoldsAValueIsEncodedWithIt"}, nil},
		{"GHSA-444v-8vxr-p36h", "a failure prints no value", []string{"envload.TestGHSA444V8VXRP36HAFailurePrintsNoValue"}, nil},
		{"CVE-2019-11250", "no level logs a value or token", []string{"TestCVE201911250NoLevelLogsAValueOrToken"}, nil},
		{"CVE-2020-8897", "a ciphertext with two plaintexts fits no digest", []string{"crypto.TestCVE20208897AGranteeCanReplaceACiphertextButNotItsDigest"}, nil},
		{"CVE-2020-8912", "only a keyset of the right type is an organization's", []string{"crypto.TestCVE20208912OnlyKeysetsOfTheRightTypeAreOrganizations"}, nil},
		{"CVE-2020-8929", "the prefix of a ciphertext is not malleable", []string{"crypto.TestCVE20208929ThePrefixIsNotMalleable"}, nil},
		{"CVE-2026-45808", "a revocation reaches no other organization or service", []string{"TestCVE202645808ARevocationReachesNoOtherOrganizationOrService"}, nil},
		{"CVE-2026-3605", "no name leaves its place", []string{"TestCVE20263605NoNameLeavesItsPlace"}, nil},
		{"CVE-2025-64761", "case and spaces make no second identity", []string{"TestCVE202564761CaseAndSpacesMakeNoSecondIdentity"}, nil},
		{"GHSA-vv66-6rp4-wr4f", "a name that is created again revives nothing", []string{"TestGHSAVV666RP4WR4FANameThatIsCreatedAgainRevivesNothing"}, nil},
		{"CVE-2024-3177", "every way to read refuses what was revoked", []string{"TestCVE20243177EveryWayToReadRefusesWhatWasRevoked"}, nil},
		{"CVE-2025-6203", "records that claim much cost little", []string{"TestCVE20256203RecordsThatClaimMuchCostLittle"}, nil},
		{"getsops/sops#224", "nobody makes himself a recipient", []string{"TestSops224NobodyMakesHimselfARecipient"}, nil},
		{"getsops/sops#901", "a revoked service has no key of what is put later", []string{"TestSops901RevokedServiceLosesAccessAlsoWithItsRowPutBack"}, nil},
		{"CVE-2022-41716", "a NUL does not reach a variable", []string{"TestCVE202241716NULDoesNotReachAVariable"}, nil},
		{"joho/godotenv#127", "values are left as they are", []string{"envload.TestGodotenv127LoadSetsEveryByte", "envload.TestGodotenv127ParseLeavesValuesAsTheyAre"}, nil},
		{"CVE-2026-28684", "nothing is written through a link", []string{"TestCVE202628684TheCacheIsNotWrittenThroughALink", "crypto.TestCVE202628684AKeyFileThatIsNoRegularFileIsRefused"}, nil},
		{"hashicorp/vault#16488", "a cancelled deletion is done or not", []string{"TestVault16488ACancelledDeletionIsDoneOrNot"}, nil},
		{"golang/go#63567", "what runs in the background sets no variable", []string{"envload.TestGolang63567WhatRunsInTheBackgroundSetsNoVariable"}, nil},
	},
}
