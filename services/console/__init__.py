"""The pages of Rintis: today the live page of operators. Owns no data, hears and says nothing: it asks the services over HTTP."""
