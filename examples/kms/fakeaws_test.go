package kms_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const awsAccessKey = "AKIATEST"

// maxAWSPlaintext is the most that AWS KMS encrypts in one request.
const maxAWSPlaintext = 4096

// fakeAWS is the part of AWS KMS that encrypts and decrypts with symmetric keys:
// JSON 1.1 over one URL. Of a signature it looks at the access key alone.
type fakeAWS struct {
	keys keys // under their ARNs
	down func() bool
}

// awsRequest is an Encrypt or a Decrypt; encoding/json has the bytes in base64.
type awsRequest struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

// An awsFault is the type of an error, such as InvalidCiphertextException.
type awsFault string

func startAWS(t *testing.T, f *fakeAWS) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if f.down() {
		awsError(w, http.StatusInternalServerError, "KMSInternalException")
		return
	}
	data, fault := f.answer(r)
	if fault != "" {
		awsError(w, http.StatusBadRequest, fault)
		return
	}
	writeJSON(w, http.StatusOK, data)
}

func (f *fakeAWS) answer(r *http.Request) (map[string]any, awsFault) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+awsAccessKey+"/") {
		return nil, "AccessDeniedException"
	}
	var request awsRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, "SerializationException"
	}
	if f.keys[request.KeyID] == nil {
		return nil, "NotFoundException"
	}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		return f.encrypt(request)
	case "TrentService.Decrypt":
		return f.decrypt(request)
	default:
		return nil, "UnknownOperationException"
	}
}

// encrypt makes a blob that names its key, as those of AWS do.
func (f *fakeAWS) encrypt(request awsRequest) (map[string]any, awsFault) {
	if len(request.Plaintext) == 0 || len(request.Plaintext) > maxAWSPlaintext {
		return nil, "ValidationException"
	}
	blob := append([]byte(request.KeyID), 0)
	blob = f.keys[request.KeyID].Seal(blob, nil, request.Plaintext, request.associatedData())
	return map[string]any{"KeyId": request.KeyID, "CiphertextBlob": blob, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, ""
}

func (f *fakeAWS) decrypt(request awsRequest) (map[string]any, awsFault) {
	key, sealed, _ := bytes.Cut(request.CiphertextBlob, []byte{0})
	if f.keys[string(key)] == nil {
		return nil, "InvalidCiphertextException"
	}
	if string(key) != request.KeyID {
		return nil, "IncorrectKeyException"
	}
	plaintext, err := f.keys[request.KeyID].Open(nil, nil, sealed, request.associatedData())
	if err != nil {
		return nil, "InvalidCiphertextException"
	}
	return map[string]any{"KeyId": request.KeyID, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, ""
}

// associatedData is the encryption context, which has no order.
func (r awsRequest) associatedData() []byte {
	sorted, err := json.Marshal(r.EncryptionContext)
	if err != nil {
		panic(err) // a map of strings
	}
	return sorted
}

func awsError(w http.ResponseWriter, status int, fault awsFault) {
	w.Header().Set("X-Amzn-ErrorType", string(fault))
	writeJSON(w, status, map[string]any{"__type": fault})
}
