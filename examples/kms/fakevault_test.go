package kms_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const vaultToken = "hvs.test"

// fakeVault is the part of Vault's HTTP API that transit takes to encrypt and
// decrypt with keys of type aes256-gcm96, mounted at transit/.
type fakeVault struct {
	keys keys
	down func() bool // then it is sealed
}

// vaultRequest has a base64 text in each field but for Ciphertext, which is
// what Vault answered before: vault:v1:base64.
type vaultRequest struct {
	Plaintext      string `json:"plaintext"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
}

const vaultPrefix = "vault:v1:"

func startVault(t *testing.T, f *fakeVault) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/transit/encrypt/{key}", f.answer(f.encrypt))
	mux.HandleFunc("PUT /v1/transit/decrypt/{key}", f.answer(f.decrypt))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// A vaultCall returns the data of the answer, or what Vault says is wrong.
type vaultCall func(key string, request vaultRequest) (data map[string]any, fault string)

func (f *fakeVault) answer(call vaultCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request vaultRequest
		switch {
		case f.down():
			vaultError(w, http.StatusServiceUnavailable, "Vault is sealed")
			return
		case r.Header.Get("X-Vault-Token") != vaultToken, f.keys[r.PathValue("key")] == nil:
			vaultError(w, http.StatusForbidden, "permission denied")
			return
		case json.NewDecoder(r.Body).Decode(&request) != nil:
			vaultError(w, http.StatusBadRequest, "failed to parse JSON input")
			return
		}
		data, fault := call(r.PathValue("key"), request)
		if fault != "" {
			vaultError(w, http.StatusBadRequest, fault)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"request_id": "1", "data": data})
	}
}

func (f *fakeVault) encrypt(key string, request vaultRequest) (map[string]any, string) {
	plaintext, err := base64.StdEncoding.DecodeString(request.Plaintext)
	if err != nil {
		return nil, "failed to base64-decode plaintext"
	}
	associatedData, err := base64.StdEncoding.DecodeString(request.AssociatedData)
	if err != nil {
		return nil, "failed to base64-decode associated_data"
	}
	sealed := f.keys[key].Seal(nil, nil, plaintext, associatedData)
	ciphertext := vaultPrefix + base64.StdEncoding.EncodeToString(sealed)
	return map[string]any{"ciphertext": ciphertext, "key_version": 1}, ""
}

func (f *fakeVault) decrypt(key string, request vaultRequest) (map[string]any, string) {
	encoded, ok := strings.CutPrefix(request.Ciphertext, vaultPrefix)
	if !ok {
		return nil, "invalid ciphertext: no prefix"
	}
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, "invalid ciphertext: could not decode base64"
	}
	associatedData, err := base64.StdEncoding.DecodeString(request.AssociatedData)
	if err != nil {
		return nil, "failed to base64-decode associated_data"
	}
	plaintext, err := f.keys[key].Open(nil, nil, sealed, associatedData)
	if err != nil {
		return nil, "cipher: message authentication failed"
	}
	return map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plaintext)}, ""
}

func vaultError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]any{"errors": []string{text}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	// A client that has gone sees that for itself.
	_ = json.NewEncoder(w).Encode(body)
}
