package kms_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// awsRoot makes a root of a symmetric key of AWS KMS. A program takes its
// client from kms.NewFromConfig and config.LoadDefaultConfig.
//
// The associated data, which has the organization's name and id, becomes the
// encryption context, and so it is in the clear in CloudTrail.
func awsRoot(ctx context.Context, client *kms.Client, arn string) (crypto.Root, error) {
	aead, err := awskms.NewAEADWithContext(ctx, arn, awskms.WithKMS(client))
	if err != nil {
		return nil, err
	}
	return outages{Root: crypto.FromTinkWithContext(aead), isOutage: isAWSOutage, patience: patience}, nil
}

// isAWSOutage: AWS says of each error whose fault it is, the caller's or its
// own, and throttles with a fault of the caller.
func isAWSOutage(err error) bool {
	var fault smithy.APIError
	if !errors.As(err, &fault) {
		return false // no answer; the engine knows errors of the network
	}
	var answer *awshttp.ResponseError
	return fault.ErrorFault() == smithy.FaultServer || fault.ErrorCode() == "ThrottlingException" ||
		errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

func TestAWS(t *testing.T) {
	t.Parallel()
	testRoots(t, newAWS)
}

func newAWS(t *testing.T) *service {
	t.Helper()
	s := &service{}
	server := startAWS(t, &fakeAWS{keys: newKeys(t, arn("first"), arn("second")), down: s.down.Load})
	s.away = server.Close
	s.root = func(t *testing.T, key string) crypto.Root {
		t.Helper()
		return newAWSRoot(t, server.URL, awsAccessKey, key)
	}
	s.stranger = func(t *testing.T) crypto.Root {
		t.Helper()
		return newAWSRoot(t, server.URL, "AKIAOTHER", "first")
	}
	return s
}

func arn(key string) string { return "arn:aws:kms:eu-central-1:111122223333:key/" + key }

func newAWSRoot(t *testing.T, address, accessKey, key string) crypto.Root {
	t.Helper()
	client := kms.New(kms.Options{
		BaseEndpoint:     aws.String(address),
		Region:           "eu-central-1",
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
		RetryMaxAttempts: 1, // the test would wait for them
	})
	root, err := awsRoot(t.Context(), client, arn(key))
	if err != nil {
		t.Fatal(err)
	}
	return root
}
